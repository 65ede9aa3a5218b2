namespace Craton.Data;
internal static class Composition { public static string ToNfc(string s) => s.Normalize(); }
