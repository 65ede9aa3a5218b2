using Craton.Data;
using Craton.Data.Images;
using Craton.Data.Images.Scenes;
using Craton.Models.Generative;
using Craton.Tensors.Diagnostics;

namespace Craton.Training.Recipes;

/// <summary>Scenes as numbers.</summary>
/// <param name="Images">[N, 3, side, side] of 0 to 1.</param>
/// <param name="Captions">Their captions.</param>
internal sealed record SceneBatch(Tensor Images, SceneCaption[] Captions)
{
    private const int Plane = Scene.Side * Scene.Side;

    /// <summary>The next scenes.</summary>
    public static SceneBatch Next(SceneLoader scenes, int count)
    {
        using var data = OpProfile.Part("data", "scenes");
        Tensor images = Tensor.Empty(DType.F32, count, 3, Scene.Side, Scene.Side);
        var captions = new SceneCaption[count];
        for (int i = 0; i < count; i++)
        {
            Scene scene = scenes.Next();
            byte[] samples = SceneRenderer.Render(scene).Samples;
            Span<float> image = images.AsSpan<float>().Slice(i * 3 * Plane, 3 * Plane);
            for (int at = 0; at < samples.Length; at++) image[at % 3 * Plane + at / 3] = samples[at] / 255f;
            captions[i] = scene.Caption;
        }
        return new(images, captions);
    }

    /// <summary>Pictures of numbers [N, 3, side, side].</summary>
    public static IEnumerable<Picture> Pictures(Tensor images)
    {
        float[] all = images.ToArray<float>();
        return Enumerable.Range(0, images.Size(0)).Select(i => PictureGrid.Of(all.AsSpan(i * 3 * Plane, 3 * Plane), Scene.Side, Scene.Side, 3, 1));
    }
}
