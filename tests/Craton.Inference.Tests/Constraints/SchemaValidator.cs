using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Craton.Inference.Tests.Constraints;

/// <summary>A plain reading of JSON Schema, written apart from the compiler: it checks a value, keyword by keyword, as the specification says.</summary>
internal sealed class SchemaValidator(JsonElement root)
{
    /// <summary>The first violation, or null.</summary>
    public string? Check(JsonElement value) => Check(root, value, "$");

    private string? Check(JsonElement schema, JsonElement value, string at)
    {
        if (schema.ValueKind == JsonValueKind.True)
            return null;
        if (schema.ValueKind == JsonValueKind.False)
            return $"{at}: nothing is allowed";
        foreach (JsonProperty keyword in schema.EnumerateObject())
        {
            if (CheckKeyword(schema, keyword.Name, keyword.Value, value, at) is { } violation)
                return violation;
        }

        return null;
    }

    private string? CheckKeyword(JsonElement schema, string keyword, JsonElement setting, JsonElement value, string at)
    {
        bool holds = keyword switch
        {
            "type" => HasType(setting, value) || (value.ValueKind == JsonValueKind.Null && schema.TryGetProperty("nullable", out JsonElement n) && n.GetBoolean()),
            "enum" => setting.EnumerateArray().Any(v => JsonElement.DeepEquals(v, value)),
            "const" => JsonElement.DeepEquals(setting, value),
            "$ref" => Check(Resolve(setting.GetString()!), value, at) is null,
            "allOf" => setting.EnumerateArray().All(s => Check(s, value, at) is null),
            "anyOf" => setting.EnumerateArray().Any(s => Check(s, value, at) is null),
            "oneOf" => setting.EnumerateArray().Count(s => Check(s, value, at) is null) == 1,
            _ => value.ValueKind switch
            {
                JsonValueKind.String => CheckString(keyword, setting, value.GetString()!),
                JsonValueKind.Number => CheckNumber(keyword, setting, value),
                _ => true,
            },
        };
        if (!holds)
            return $"{at}: {keyword} {setting.GetRawText()} does not hold for {value.GetRawText()}";
        return value.ValueKind switch
        {
            JsonValueKind.Object => CheckObject(schema, keyword, setting, value, at),
            JsonValueKind.Array => CheckArray(schema, keyword, setting, value, at),
            _ => null,
        };
    }

    private JsonElement Resolve(string reference)
    {
        JsonElement found = root;
        foreach (string part in reference.Split('/').Skip(1))
            found = found.ValueKind == JsonValueKind.Array
                ? found[int.Parse(part, CultureInfo.InvariantCulture)] : found.GetProperty(Uri.UnescapeDataString(part).Replace("~1", "/").Replace("~0", "~"));
        return found;
    }

    private static bool HasType(JsonElement type, JsonElement value) => type.ValueKind == JsonValueKind.Array
        ? type.EnumerateArray().Any(t => HasType(t, value))
        : type.GetString() switch
        {
            "null" => value.ValueKind == JsonValueKind.Null,
            "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
            "number" => value.ValueKind == JsonValueKind.Number,
            "integer" => value.ValueKind == JsonValueKind.Number && value.GetDecimal() % 1 == 0,
            "string" => value.ValueKind == JsonValueKind.String,
            "array" => value.ValueKind == JsonValueKind.Array,
            _ => type.GetString() == "object" && value.ValueKind == JsonValueKind.Object,
        };

    private static bool CheckString(string keyword, JsonElement setting, string value) => keyword switch
    {
        "minLength" => value.EnumerateRunes().Count() >= setting.GetInt32(),
        "maxLength" => value.EnumerateRunes().Count() <= setting.GetInt32(),
        "pattern" => Regex.IsMatch(value, setting.GetString()!, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(10)),
        "format" => HasFormat(setting.GetString()!, value),
        _ => true,
    };

    private static bool HasFormat(string format, string value) => format switch
    {
        "date" => DateOnly.TryParseExact(value, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
        "time" => DateTimeOffset.TryParse($"2001-01-01T{value}", CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
        "date-time" => value.Contains('T', StringComparison.Ordinal) && DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
        "email" => System.Net.Mail.MailAddress.TryCreate(value, out _) && !value.Contains(' ', StringComparison.Ordinal),
        "hostname" => Uri.CheckHostName(value) == UriHostNameType.Dns || IPAddress.TryParse(value, out _) || value.All(c => c is '.' or '-' || char.IsAsciiLetterOrDigit(c)),
        "ipv4" => IPAddress.TryParse(value, out IPAddress? v4) && v4.ToString() == value,
        "ipv6" => IPAddress.TryParse(value, out IPAddress? v6) && v6.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6,
        "uri" => Uri.TryCreate(value, UriKind.Absolute, out _),
        "uuid" => Guid.TryParseExact(value, "D", out _),
        "duration" => TryDuration(value),
        _ => false,
    };

    private static bool TryDuration(string value) =>
        value.EndsWith('W') ? value[0] == 'P' && value[1..^1].All(char.IsAsciiDigit) : Regex.IsMatch(value, @"^P(?=\d|T\d)(\d+Y)?(\d+M)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?$");

    private static bool CheckNumber(string keyword, JsonElement setting, JsonElement number) => keyword switch
    {
        "minimum" => number.GetDecimal() >= setting.GetDecimal(),
        "exclusiveMinimum" => number.GetDecimal() > setting.GetDecimal(),
        "maximum" => number.GetDecimal() <= setting.GetDecimal(),
        "multipleOf" => number.GetDecimal() % setting.GetDecimal() == 0,
        "exclusiveMaximum" => number.GetDecimal() < setting.GetDecimal(),
        _ => true,
    };

    private string? CheckObject(JsonElement schema, string keyword, JsonElement setting, JsonElement value, string at)
    {
        switch (keyword)
        {
            case "required":
                return setting.EnumerateArray().Select(n => n.GetString()!).FirstOrDefault(n => !value.TryGetProperty(n, out _)) is { } missing ? $"{at}: {missing} is missing" : null;
            case "minProperties":
                return value.EnumerateObject().DistinctBy(p => p.Name).Count() < setting.GetInt32() ? $"{at}: too few members" : null;
            case "maxProperties":
                return value.EnumerateObject().DistinctBy(p => p.Name).Count() > setting.GetInt32() ? $"{at}: too many members" : null;
            case "properties":
                return value.EnumerateObject().Select(p => setting.TryGetProperty(p.Name, out JsonElement s) ? Check(s, p.Value, $"{at}.{p.Name}") : null).FirstOrDefault(v => v is not null);
            case "additionalProperties":
                return value.EnumerateObject().Where(p => !schema.TryGetProperty("properties", out JsonElement named) || !named.TryGetProperty(p.Name, out _))
                    .Select(p => Check(setting, p.Value, $"{at}.{p.Name}")).FirstOrDefault(v => v is not null);
            default:
                return null;
        }
    }

    private string? CheckArray(JsonElement schema, string keyword, JsonElement setting, JsonElement value, string at)
    {
        int count = value.GetArrayLength();
        int prefix = schema.TryGetProperty("prefixItems", out JsonElement first) ? first.GetArrayLength() : 0;
        return keyword switch
        {
            "minItems" => count < setting.GetInt32() ? $"{at}: too few items" : null,
            "maxItems" => count > setting.GetInt32() ? $"{at}: too many items" : null,
            "prefixItems" => Enumerable.Range(0, Math.Min(prefix, count)).Select(i => Check(setting[i], value[i], $"{at}[{i}]")).FirstOrDefault(v => v is not null),
            "items" => Enumerable.Range(prefix, Math.Max(0, count - prefix)).Select(i => Check(setting, value[i], $"{at}[{i}]")).FirstOrDefault(v => v is not null),
            _ => null,
        };
    }
}
