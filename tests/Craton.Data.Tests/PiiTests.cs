using System.Diagnostics;
using System.Globalization;
using System.Text;
using Xunit.Abstractions;

namespace Craton.Data.Tests;

public class PiiTests(ITestOutputHelper output)
{
    private static string Digits(Random random, int count) => string.Concat(Enumerable.Range(0, count).Select(_ => (char)('0' + random.Next(10))));

    private static string Grouped(Random random, string text, int size, string separators)
    {
        char separator = separators[random.Next(separators.Length)];
        return separator == '_' ? text : string.Join(separator, text.Chunk(size).Select(c => new string(c)));
    }

    private static string Card(Random random)
    {
        string body = "4" + Digits(random, 14);
        int sum = 0;
        for (int i = 0; i < body.Length; i++)
        {
            int digit = (body[body.Length - 1 - i] - '0') * (i % 2 == 0 ? 2 : 1);
            sum += digit > 9 ? digit - 9 : digit;
        }

        return Grouped(random, body + (char)('0' + (10 - sum % 10) % 10), 4, "_ -");
    }

    private static string IbanOf(Random random)
    {
        (string country, int length) = random.Next(3) switch { 0 => ("DE", 18), 1 => ("FR", 23), _ => ("GB", 18) };
        string account = country == "GB" ? "NWBK" + Digits(random, 14) : Digits(random, length);
        string number = string.Concat((account + country + "00").Select(c => char.IsDigit(c) ? $"{c}" : (c - 'A' + 10).ToString(CultureInfo.InvariantCulture)));
        int check = 98 - (int)(System.Numerics.BigInteger.Parse(number, CultureInfo.InvariantCulture) % 97);
        return Grouped(random, $"{country}{check:D2}{account}", 4, "_ ");
    }

    private static string Phone(Random random) => random.Next(6) switch
    {
        0 => $"+49 {random.Next(30, 999)} {Digits(random, 7)}",
        1 => $"({random.Next(200, 999)}) {random.Next(200, 999)}-{Digits(random, 4)}",
        2 => $"{random.Next(200, 999)}-{random.Next(200, 999)}-{Digits(random, 4)}",
        3 => $"0{random.Next(100, 999)} {random.Next(100000, 999999)}{random.Next(10)}",
        4 => $"+1 {random.Next(200, 999)} {random.Next(200, 999)} {Digits(random, 4)}",
        _ => $"+44{random.Next(1, 9)}{Digits(random, 9)}",
    };

    private static string Address(Random random) => random.Next(3) switch
    {
        0 => string.Join('.', Enumerable.Range(0, 4).Select(_ => random.Next(1, 255))),
        1 => "2001:db8:" + string.Join(':', Enumerable.Range(0, 6).Select(_ => random.Next(1, 65535).ToString("x", CultureInfo.InvariantCulture))),
        _ => $"fe80::{random.Next(4096, 65535):x}:1{random.Next(10, 99)}",
    };

    private static string Key(Random random)
    {
        const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        string Body(int n) => string.Concat(Enumerable.Range(0, n - 1).Select(_ => Letters[random.Next(Letters.Length)])) + "7";
        return random.Next(4) switch { 0 => "sk-" + Body(40), 1 => "ghp_" + Body(36), 2 => "AKIA" + Body(16).ToUpperInvariant(), _ => "api_key = \"" + Body(32) + "\"" };
    }

    private static string Email(Random random)
    {
        string name = $"{Make.Prose(random.Next(), 2).TrimEnd('.').Replace(' ', '.')}{random.Next(100)}";
        return random.Next(3) switch { 0 => $"{name}@mail.example.com", 1 => $"{name} @ example.co.uk", _ => $"{name}@example.org" };
    }

    private static string FullWidth(Random random, string text) => random.Next(5) != 0 ? text
        : string.Concat(text.Select(c => c is > ' ' and <= '~' ? (char)(c + 0xFEE0) : c == ' ' ? '\u3000' : c));

    [Fact]
    public void Generated_personal_data_is_masked_and_masking_is_idempotent()
    {
        var random = new Random(1);
        (string Kind, Func<Random, string> Generate)[] kinds = [("EMAIL", Email), ("PHONE", Phone), ("IP", Address), ("CARD", Card), ("IBAN", IbanOf), ("KEY", Key)];
        foreach ((string kind, Func<Random, string> generate) in kinds)
        {
            int found = 0;
            var missed = new StringBuilder();
            for (int i = 0; i < 1000; i++)
            {
                string secret = FullWidth(random, generate(random)), text = $"{Make.Prose(i, 8)} It is {secret}, they said. {Make.Prose(i + 1, 8)}";
                string masked = PiiMask.Mask(text);
                Assert.Equal(masked, PiiMask.Mask(masked));
                if (masked == text.Replace(kind == "KEY" && secret.Contains('"') ? secret.Split('"')[1] : secret, $"[{kind}]", StringComparison.Ordinal)) found++;
                else if (kind == "KEY" && masked.Contains("[KEY]", StringComparison.Ordinal)) found++;
                else missed.AppendLine(masked);
            }

            output.WriteLine($"{kind}: {found} of 1000 {missed}");
            Assert.True(found >= 990, $"{kind}: {found} of 1000\n{missed}");
        }
    }

    [Theory]
    [InlineData("Version 4.8.1 of 2024-01-15, at 12:30:45, costs 1,234,567.89 or 3.14159265358979.")]
    [InlineData("std::vector<int>::iterator and a::b::c, ratio 16:9, IPv6 like :: alone")]
    [InlineData("System.Collections.Generic.Dictionary<TKey, TValue> @param name, user@localhost")]
    [InlineData("1234567890123456 is no card; 10 20 30 40; ISBN 978-3-16-148410-0; pages 100-200; 1999-2005")]
    [InlineData("the token is a word, password: hunter, secret: nothing; DE00 1234 is too short")]
    [InlineData("0.123 456 789 and x = 0x7fff0123, guid 123e4567-e89b-42d3-a456-426614174000")]
    public void Ordinary_text_stays(string text) => Assert.Equal(text, PiiMask.Mask(text));

    [Theory]
    [InlineData("-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY----- x", "[KEY] x")]
    [InlineData("mail me at jane.doe (at) example.com now", "mail me at [EMAIL] now")]
    [InlineData("phone 5551234567 or 5551234567", "phone [PHONE] or [PHONE]")]
    [InlineData("order 5551234567", "order 5551234567")]
    [InlineData("ping 192.168.0.1:8080 from 10.0.0.1.", "ping [IP]:8080 from [IP].")]
    public void Special_forms(string text, string expected) => Assert.Equal(expected, PiiMask.Mask(text));

    [Theory]
    [InlineData("1")]
    [InlineData("1 ")]
    [InlineData("@")]
    [InlineData("a.")]
    [InlineData("a@a.")]
    [InlineData("sk-")]
    [InlineData("-----BEGIN ")]
    [InlineData("DE12 ")]
    [InlineData("f:")]
    [InlineData("+(")]
    public void Hostile_text_takes_linear_time(string piece)
    {
        string text = string.Concat(Enumerable.Repeat(piece, 300_000 / piece.Length));
        var clock = Stopwatch.StartNew();
        _ = PiiMask.Mask(text);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10), $"{clock.Elapsed}");
    }
}
