using System.Buffers;

namespace Craton.Data;

/// <summary>Keys to services, by their published prefixes, and values that are named as secrets.</summary>
internal static class PiiKey
{
    private const int MaxKey = 4096;

    // Prefix and the fewest characters that follow it.
    private static readonly (string Prefix, int Body)[] s_prefixes =
    [
        ("sk-", 20), ("sk_live_", 16), ("sk_test_", 16), ("rk_live_", 16), ("pk_live_", 16), ("ghp_", 30), ("gho_", 30), ("ghu_", 30), ("ghs_", 30),
        ("ghr_", 30), ("github_pat_", 22), ("glpat-", 20), ("AKIA", 16), ("ASIA", 16), ("AIza", 35), ("ya29.", 20), ("xoxb-", 20), ("xoxp-", 20),
        ("xoxa-", 20), ("xoxr-", 20), ("hf_", 30), ("npm_", 36), ("pypi-", 40), ("SG.", 40), ("eyJ", 40), ("gsk_", 30), ("dop_v1_", 40),
    ];

    private static readonly SearchValues<char> s_body = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./+=");

    private static readonly string[] s_names = ["api_key", "api-key", "apikey", "access_token", "auth_token", "client_secret", "secret_key", "secret", "token", "password", "passwd"];

    /// <summary>The key that begins here.</summary>
    public static PiiSpan? At(string text, int start)
    {
        ReadOnlySpan<char> rest = text.AsSpan(start, Math.Min(MaxKey, text.Length - start));
        foreach ((string prefix, int body) in s_prefixes)
        {
            if (rest[0] != prefix[0] || !rest.StartsWith(prefix, StringComparison.Ordinal)) continue;
            int length = BodyLength(rest[prefix.Length..]);
            if (length >= body && rest.Slice(prefix.Length, length).ContainsAnyInRange('0', '9')) return new PiiSpan(start, start + prefix.Length + length, "KEY");
        }

        if (rest.StartsWith("-----BEGIN ", StringComparison.Ordinal)) return PrivateKey(rest, start);
        return Named(rest, start);
    }

    private static PiiSpan? PrivateKey(ReadOnlySpan<char> rest, int start)
    {
        int first = rest.IndexOf("PRIVATE KEY-----", StringComparison.Ordinal);
        if (first is < 0 or > 40) return null;
        int last = rest.LastIndexOf("-----END ", StringComparison.Ordinal);
        int close = last < 0 ? -1 : rest[(last + 9)..].IndexOf("-----", StringComparison.Ordinal);
        return new PiiSpan(start, start + (close < 0 ? rest.Length : last + 9 + close + 5), "KEY");
    }

    /// <summary><c>api_key = "…"</c>: only the value is masked, and only one that no word looks like.</summary>
    private static PiiSpan? Named(ReadOnlySpan<char> rest, int start)
    {
        foreach (string name in s_names)
        {
            if (!rest.StartsWith(name, StringComparison.OrdinalIgnoreCase)) continue;
            int i = name.Length;
            while (i < rest.Length && i < name.Length + 8 && rest[i] is ' ' or '=' or ':' or '"' or '\'') i++;
            if (!rest[name.Length..i].ContainsAny('=', ':')) return null;
            int length = BodyLength(rest[i..]);
            ReadOnlySpan<char> value = rest.Slice(i, length);
            bool random = length >= 16 && value.ContainsAnyInRange('0', '9') && (value.ContainsAnyInRange('a', 'z') || value.ContainsAnyInRange('A', 'Z'));
            return random ? new PiiSpan(start + i, start + i + length, "KEY") : null;
        }

        return null;
    }

    private static int BodyLength(ReadOnlySpan<char> text)
    {
        int length = text.IndexOfAnyExcept(s_body);
        if (length < 0) length = text.Length;
        while (length > 0 && text[length - 1] is '.' or '-') length--;
        return length;
    }
}
