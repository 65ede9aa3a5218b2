using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Craton.Data.Images;
using Craton.Data.Images.Scenes;
using Craton.Tensors;
using Craton.Tensors.IO;
using Spectre.Console;

namespace Craton.Cli.Verbs;

// 'data scenes', 'data clips' and 'data check-scene'.
internal sealed partial class DataVerb
{
    private const int MostScenes = 10_000_000;

    private Command Scenes()
    {
        var count = new Option<int>("--count") { Description = "Number of scenes", DefaultValueFactory = _ => 1000 };
        var side = new Option<int>("--side") { Description = "Pixels of a side", DefaultValueFactory = _ => Scene.Side };
        var folder = new Option<string>("--out", "-o") { Description = "Folder for images/*.png and scenes.jsonl", Required = true };
        var command = new Command("scenes", "Make pictures of coloured shapes with captions, questions and the exact truth") { count, side, folder, _overwrite };
        OnRun(command, (parsed, output) =>
        {
            string target = parsed.GetValue(folder)!;
            (int scenes, int pixels) = (parsed.GetValue(count), parsed.GetValue(side));
            if (scenes is < 1 or > MostScenes) throw new CratonException($"data scenes: expected --count from 1 to {MostScenes:N0}, got {scenes}");
            RefuseExisting(target, parsed.GetValue(_overwrite));
            Directory.CreateDirectory(Path.Combine(target, "images"));
            var generator = new SceneGenerator((ulong)(parsed.GetValue(CommandLine.Seed) ?? 0));
            string truth = Path.Combine(target, "scenes.jsonl");
            DurableFile.Write(truth, stream =>
            {
                for (int i = 0; i < scenes; i++)
                {
                    Scene scene = generator[i];
                    string file = SceneGenerator.FileOf(i);
                    PngWriter.WriteFile(Path.Combine(target, file), SceneRenderer.Render(scene, pixels));
                    Output.WriteRow(stream, Truth(scene, file));
                }
            });
            output.Result(new JsonObject { ["folder"] = target, ["scenes"] = scenes, ["truth"] = truth });
            if (!output.IsJson) output.Line($"{scenes:N0} scenes: {truth}");
            return 0;
        });
        return command;
    }

    private Command Clips()
    {
        var count = new Option<int>("--count") { Description = "Number of clips", DefaultValueFactory = _ => 100 };
        var frames = new Option<int>("--frames") { Description = "Pictures of a clip", DefaultValueFactory = _ => SceneClip.UsualFrames };
        var side = new Option<int>("--side") { Description = "Pixels of a side", DefaultValueFactory = _ => Scene.Side };
        var folder = new Option<string>("--out", "-o") { Description = "Folder for clips/*/*.png and clips.jsonl", Required = true };
        var command = new Command("clips", "Make short clips of coloured shapes that move or change, with captions and the exact truth") { count, frames, side, folder, _overwrite };
        OnRun(command, (parsed, output) =>
        {
            string target = parsed.GetValue(folder)!;
            (int clips, int pixels) = (parsed.GetValue(count), parsed.GetValue(side));
            if (clips is < 1 or > MostScenes) throw new CratonException($"data clips: expected --count from 1 to {MostScenes:N0}, got {clips}");
            var generator = new SceneClipGenerator((ulong)(parsed.GetValue(CommandLine.Seed) ?? 0), parsed.GetValue(frames));
            RefuseExisting(target, parsed.GetValue(_overwrite));
            Directory.CreateDirectory(target);
            string truth = Path.Combine(target, "clips.jsonl");
            DurableFile.Write(truth, stream =>
            {
                for (int i = 0; i < clips; i++)
                {
                    SceneClip clip = generator[i];
                    string file = SceneClipGenerator.FolderOf(i), into = Directory.CreateDirectory(Path.Combine(target, file)).FullName;
                    for (int frame = 0; frame < clip.Frames.Count; frame++) PngWriter.WriteFile(Path.Combine(into, SceneClipGenerator.FileOf(frame)), SceneRenderer.Render(clip.Frames[frame], pixels));
                    Output.WriteRow(stream, Truth(clip, file));
                }
            });
            output.Result(new JsonObject { ["folder"] = target, ["clips"] = clips, ["truth"] = truth });
            if (!output.IsJson) output.Line($"{clips:N0} clips: {truth}");
            return 0;
        });
        return command;
    }

    private static Command CheckScene()
    {
        var picture = new Argument<string>("PICTURE") { Description = $"A square {PictureFile.Kinds} file" };
        var caption = new Argument<string>("CAPTION") { Description = "As 'a small red circle above a large blue square on a black background'" };
        var command = new Command("check-scene", "Tell from the pixels which parts of a caption hold") { picture, caption };
        OnRun(command, (parsed, output) =>
        {
            SceneCheck check = SceneChecker.Check(PictureFile.Read(parsed.GetValue(picture)!), SceneCaption.Parse(parsed.GetValue(caption)!));
            output.Result(new JsonObject
            {
                ["holds"] = check.Holds,
                ["parts"] = new JsonArray([.. check.Parts.Select(JsonNode (p) => new JsonObject { ["part"] = p.Name, ["expected"] = p.Expected, ["found"] = p.Found, ["holds"] = p.Holds })]),
            });
            if (output.IsJson) return 0;
            var table = new Table().Border(TableBorder.Rounded).AddColumns("part", "caption", "picture", "");
            foreach (ScenePart part in check.Parts) table.AddRow(part.Name, part.Expected, part.Found, part.Holds ? "holds" : "does not hold");
            AnsiConsole.Write(table);
            return 0;
        });
        return command;
    }

    private static JsonObject Truth(Scene scene, string file) => new()
    {
        ["file"] = file,
        ["caption"] = scene.Caption.ToString(),
        ["background"] = Word(scene.Caption.Background),
        ["relation"] = scene.Caption.Relation is { } relation ? Word(relation) : null,
        ["objects"] = Objects(scene),
        ["questions"] = new JsonArray([.. SceneQuestions.Of(scene.Caption).Select(JsonNode (q) => new JsonObject { ["question"] = q.Question, ["answer"] = q.Answer })]),
    };

    private static JsonObject Truth(SceneClip clip, string file) => new()
    {
        ["file"] = file,
        ["caption"] = clip.Caption.ToString(),
        ["motion"] = Word(clip.Caption.Motion),
        ["becomes"] = clip.Caption.Becomes is { } colour ? Word(colour) : null,
        ["background"] = Word(clip.Caption.Scene.Background),
        ["relation"] = clip.Caption.Scene.Relation is { } relation ? Word(relation) : null,
        ["frames"] = new JsonArray([.. clip.Frames.Select(JsonNode (frame) => Objects(frame))]),
    };

    private static JsonArray Objects(Scene scene) => new([.. scene.Objects.Select(JsonNode (o) => new JsonObject
    {
        ["size"] = Word(o.Thing.Size),
        ["colour"] = Word(o.Thing.Colour),
        ["shape"] = Word(o.Thing.Shape),
        ["x"] = o.X / Scene.Side,
        ["y"] = o.Y / Scene.Side,
        ["radius"] = o.Radius / Scene.Side,
    })]);

    private static string Word<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();
}
