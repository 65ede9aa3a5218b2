using Craton.Tensors.Kernels;

namespace Craton.Tensors;

/// <summary>One text of a call of <see cref="Ops.PagedAttention"/>: its new tokens are neighbouring rows of the call, its keys and values lie
/// on pages.</summary>
/// <param name="First">Its first row.</param>
/// <param name="Count">Number of its new tokens, the last ones of the text so far.</param>
/// <param name="Past">Number of tokens before them.</param>
/// <param name="Pages">The pages that hold its tokens, in order: token t lies on page Pages[t / S] in row t mod S. May be longer than needed.</param>
public readonly record struct PagedText(int First, int Count, int Past, int[] Pages);

public static partial class Ops
{
    /// <summary>
    /// Causal <see cref="Attention"/> of several texts at once, each to its own keys and values, which lie on pages of one store
    /// (Kwon et al. 2023). A text gets the bits it gets alone with its keys in one piece. Has no gradient.
    /// </summary>
    /// <param name="q">Queries [1, H, N, D] of all texts, of any strides. Rows of no text give undefined values.</param>
    /// <param name="keys">Pages of keys [P, G, S, D], of the type of the queries, F16 or BF16.</param>
    /// <param name="values">Pages of values [P, G, S, E], of the type of the keys.</param>
    /// <param name="texts">The texts.</param>
    /// <param name="options">Scale, window, soft cap and slopes; a mask, a bias, padding and documents are refused, the rest follows from the texts.</param>
    /// <returns>[1, H, N, E], in memory as [1, N, H, E].</returns>
    public static Tensor PagedAttention(Tensor q, Tensor keys, Tensor values, PagedText[] texts, in AttentionOptions options)
    {
        CheckPaged(q, keys, values, texts, options);
        var call = new AttentionCall(
            q, keys, values, options.Scale ?? 1 / Math.Sqrt(q.Size(3)), options.SoftCap ?? 0, Causal: true, Offset: 0, options.Window ?? 0, WindowAfter: -1,
            DocumentRuns: null, options.AlibiSlopes, Bias: null, KeyPadding: null);
        var joined = new Layout([1, q.Size(2), q.Size(1), values.Size(3)]);
        Tensor y = Tensor.Lease(q.DType, joined.Permute([0, 2, 1, 3]));
        Kernel.For(q).PagedAttention(call, texts, y);
        return y;
    }

    /// <summary>The same text by text, with keys and values put together first: the meaning of <see cref="PagedAttention"/> and its test oracle.</summary>
    internal static Tensor PagedAttentionComposed(Tensor q, Tensor keys, Tensor values, PagedText[] texts, in AttentionOptions options)
    {
        var parts = new Tensor[texts.Length];
        for (int i = 0; i < texts.Length; i++)
        {
            PagedText text = texts[i];
            AttentionOptions own = options with { Causal = true, QueryOffset = text.Past };
            parts[i] = Attention(Slice(q, 2, text.First, text.First + text.Count), Gather(keys, text), Gather(values, text), own);
        }
        return Concat(2, parts);
    }

    /// <summary>The keys or values [1, G, T, D] of a text in one piece.</summary>
    internal static Tensor Gather(Tensor pages, PagedText text)
    {
        int length = text.Past + text.Count, size = pages.Size(2);
        Tensor whole = Tensor.Empty(pages.DType, 1, pages.Size(1), length, pages.Size(3));
        for (int at = 0; at < length; at += size)
        {
            int end = Math.Min(length, at + size), page = text.Pages[at / size];
            Slice(whole, 2, at, end).Assign(Slice(Slice(pages, 0, page, page + 1), 2, 0, end - at));
        }
        return whole;
    }

    private static void CheckPaged(Tensor q, Tensor keys, Tensor values, PagedText[] texts, in AttentionOptions options)
    {
        const string Op = "paged attention";
        Check.Float(Op, "q", q);
        Check.Rank(Op, "q", q, 4, 4);
        Check.Size(Op, "q", q, 0, 1);
        CheckKeyType(Op, "keys", "values", q, keys, values);
        Check.Rank(Op, "keys", keys, 4, 4);
        Check.Rank(Op, "values", values, 4, 4);
        Check.Size(Op, "keys", keys, 3, q.Size(3));
        Check.That(keys.Size(1) > 0 && q.Size(1) % keys.Size(1) == 0, Op, "keys", $"a number of heads that divides {q.Size(1)}", $"{keys.Layout}");
        Check.That(values.Shape[..3].SequenceEqual(keys.Shape[..3]), Op, "values", $"the first three sizes of the keys {keys.Layout}", $"{values.Layout}");
        Check.That(options.Window is null or > 0, Op, "window", "1 or more", $"{options.Window}", "a query always sees its own place");
        if (options.AlibiSlopes is { } slopes) Check.Shape(Op, "slopes", slopes, q.Size(1));
        Check.That(
            options is { Mask: null, Bias: null, KeyPadding: null, DocumentIds: null }, Op, "options", "no mask, bias, padding or documents", "one of them");
        Check.That(!Tape.Records(q, keys, values), Op, "q", "no tape, since there is no gradient", "one that records", "use Attention to train");
        foreach (PagedText text in texts)
        {
            int pages = (text.Past + text.Count + keys.Size(2) - 1) / keys.Size(2);
            bool fits = text is { First: >= 0, Count: >= 0, Past: >= 0 } && text.First + text.Count <= q.Size(2) && pages <= text.Pages.Length
                && !text.Pages.AsSpan(0, pages).ContainsAnyExceptInRange(0, keys.Size(0) - 1);
            Check.That(fits, Op, "texts", $"rows within {q.Size(2)} and their tokens on pages below {keys.Size(0)}", $"{text.Count} rows from {text.First}, {text.Past} tokens before, {text.Pages.Length} pages");
        }
    }
}
