using Craton.Models.Vision;
using Craton.Tensors;

namespace Craton.Models.Tests;

/// <summary>One folder of the vision fixtures that holds a model.</summary>
internal sealed class VisionCase(string id, string folder) : ModelCase(id, folder)
{
    public VisionModel Model { get; } = VisionDirectory.Load(folder);
}

/// <summary>What a call of a model of images gives.</summary>
internal sealed class VisionOutputs : Outputs
{
    public static VisionOutputs Of(VisionModel model, string op, Dictionary<string, Tensor> arguments, bool interpolate)
    {
        var outputs = new VisionOutputs();
        switch (model)
        {
            case ImageModel m:
                outputs.AddStates(m.Encoder, arguments["pixel_values"], interpolate);
                break;
            case ImageClassifier m:
                if (!Tape.IsRecording) outputs.AddStates(m.Encoder, arguments["pixel_values"], interpolate);
                outputs.Add("logits", m.Logits(arguments["pixel_values"], interpolate));
                if (m.HeadLogits(m.Encoder.Hidden(arguments["pixel_values"], interpolate)) is (var own, { } taught))
                {
                    outputs.Add("cls_logits", own);
                    outputs.Add("distillation_logits", taught);
                }
                if (arguments.TryGetValue("labels", out Tensor? labels)) outputs.SetLoss(m.Loss(arguments["pixel_values"], labels));
                break;
            case ClipTextModel m:
                var trace = new LayerTrace();
                Tensor hidden = m.Text.Hidden(arguments["input_ids"], arguments.GetValueOrDefault("attention_mask"), trace);
                outputs.AddTrace(trace, hidden);
                outputs.Add("pooler_output", m.Text.Pooled(hidden, arguments["input_ids"]));
                break;
            case Llava m:
                outputs.AddAnswer(m, arguments);
                break;
            case BlipCaptioner m:
                Tensor seen = m.Vision.Hidden(arguments["pixel_values"], interpolate);
                outputs.Add("image_embeds", seen);
                outputs.Add("last_hidden_state", seen);
                outputs.AddCaption(m, arguments, arguments["input_ids"]);
                if (arguments.TryGetValue("labels", out labels)) outputs.SetLoss(m.Loss(arguments["pixel_values"], arguments["input_ids"], labels));
                break;
            case VisionEncoderDecoder m:
                outputs.Add("encoder_last_hidden_state", m.Vision.Hidden(arguments["pixel_values"], interpolate));
                outputs.AddCaption(m, arguments, arguments.GetValueOrDefault("decoder_input_ids") ?? m.Decoder.Shift(arguments["labels"]));
                if (arguments.TryGetValue("labels", out labels)) outputs.SetLoss(m.Loss(arguments["pixel_values"], labels));
                break;
            case ImageTextModel m:
                outputs.AddPair(m, op, arguments, interpolate);
                break;
        }
        return outputs;
    }

    /// <summary>Takes over rows of values.</summary>
    public void Take(string name, float[] values, bool[] rows)
    {
        int width = values.Length / rows.Length;
        for (int i = 0; i < rows.Length; i++)
            if (rows[i]) values.AsSpan(i * width, width).CopyTo(this[name].AsSpan(i * width));
    }

    private void AddAnswer(Llava model, Dictionary<string, Tensor> arguments)
    {
        Tensor ids = arguments["input_ids"];
        Tensor? images = arguments.TryGetValue("pixel_values", out Tensor? pixels) ? model.ImageVectors(pixels) : null;
        if (images is not null) Add("image_hidden_states", images);
        Add("logits", model.Logits(ids, images, arguments.GetValueOrDefault("attention_mask")));
        if (arguments.TryGetValue("labels", out Tensor? labels)) SetLoss(model.Loss(ids, images, labels));
    }

    private void AddCaption(ImageCaptioner model, Dictionary<string, Tensor> arguments, Tensor ids) =>
        Add("logits", model.Decoder.Logits(model.Decoder.Hidden(ids, model.Look(arguments["pixel_values"]), arguments.GetValueOrDefault("decoder_attention_mask"))));

    private void AddPair(ImageTextModel model, string op, Dictionary<string, Tensor> arguments, bool interpolate)
    {
        (TextTower texts, ImageEncoder images) = model switch
        {
            Clip clip => ((TextTower)clip.Text, (ImageEncoder)clip.Vision),
            Siglip siglip => (siglip.Text, siglip.Vision),
            _ => throw new InvalidOperationException("a model of pairs without towers"),
        };
        Tensor? ids = arguments.GetValueOrDefault("input_ids"), mask = arguments.GetValueOrDefault("attention_mask"), pixels = arguments.GetValueOrDefault("pixel_values");
        Tensor? text = ids is null ? null : model.TextFeatures(ids, mask), image = pixels is null ? null : model.ImageFeatures(pixels, interpolate);
        if (ids is not null && text is not null)
        {
            string name = op == "get_text_features" ? "result" : "text_model_output";
            Add($"{name}.last_hidden_state", texts.Hidden(ids, mask));
            Add($"{name}.pooler_output", text);
        }
        if (pixels is not null && image is not null)
        {
            string name = op == "get_image_features" ? "result" : "vision_model_output";
            Add($"{name}.last_hidden_state", images.Hidden(pixels, interpolate));
            Add($"{name}.pooler_output", image);
        }
        if (text is null || image is null) return;
        Tensor logits = model.Logits(image, text);
        Add("text_embeds", ImageTextModel.Normalised(text));
        Add("image_embeds", ImageTextModel.Normalised(image));
        Add("logits_per_image", logits);
        Add("logits_per_text", Ops.Contiguous(logits.Transpose()));
        Add("probabilities", model.Probabilities(logits));
        if (image.Size(0) == text.Size(0)) SetLoss(model.Loss(image, text));
    }

    private void AddStates(ImageBackbone encoder, Tensor pixels, bool interpolate)
    {
        var trace = new LayerTrace();
        Tensor hidden = encoder.Hidden(pixels, interpolate, trace);
        AddTrace(trace, hidden);
        Add("pooler_output", encoder.Pooled(hidden));
    }

    private void AddTrace(LayerTrace trace, Tensor hidden)
    {
        for (int i = 0; i < trace.States.Count; i++) Add($"hidden_states.{i}", trace.States[i]);
        for (int i = 0; i < trace.Weights.Count; i++) Add($"attentions.{i}", trace.Weights[i]);
        Add("last_hidden_state", hidden);
    }
}
