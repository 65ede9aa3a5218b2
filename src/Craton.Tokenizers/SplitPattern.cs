namespace Craton.Tokenizers;

/// <summary>How text is cut into the pieces that a byte-level vocabulary merges within.</summary>
public enum SplitPattern
{
    /// <summary>Not at all: merges may cross words.</summary>
    None,

    /// <summary>GPT-2, also RoBERTa, Whisper, r50k and p50k.</summary>
    Gpt2,

    /// <summary>cl100k as Hugging Face files spell it; Llama 3. Digits by three.</summary>
    Cl100k,

    /// <summary>cl100k as tiktoken has it: white space at the very end of the text stays whole.</summary>
    TiktokenCl100k,

    /// <summary>Qwen 2: as <see cref="Cl100k"/> with single digits.</summary>
    Qwen2,

    /// <summary>o200k: cuts words by case.</summary>
    O200k,
}
