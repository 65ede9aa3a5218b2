using Craton.Inference.Constraints;

namespace Craton.Inference.Tests.Constraints;

/// <summary>What a schema says is obeyed or refused, and the refusal names the place.</summary>
public sealed class SchemaRefusalTests
{
    [Theory]
    [InlineData("""{"properties":{"a":{"not":{}}}}""", "#/properties/a/not: ")]
    [InlineData("""{"if":{},"then":{}}""", "#/if: ")]
    [InlineData("""{"type":"array","items":{"multipleOf":2.5}}""", "#/items/multipleOf: ")]
    [InlineData("""{"multipleOf":0}""", "#/multipleOf: ")]
    [InlineData("""{"multipleOf":10001}""", "#/multipleOf: ")]
    [InlineData("""{"type":"array","uniqueItems":true}""", "#/uniqueItems: ")]
    [InlineData("""{"type":"array","contains":{}}""", "#/contains: ")]
    [InlineData("""{"patternProperties":{"a":{}}}""", "#/patternProperties: ")]
    [InlineData("""{"propertyNames":{}}""", "#/propertyNames: ")]
    [InlineData("""{"dependentRequired":{}}""", "#/dependentRequired: ")]
    [InlineData("""{"unevaluatedProperties":false}""", "#/unevaluatedProperties: ")]
    [InlineData("""{"$dynamicRef":"#"}""", "#/$dynamicRef: ")]
    [InlineData("""{"requred":["a"]}""", "#/requred: ")]
    [InlineData("""{"$defs":{"a":{"not":1}},"properties":{"x/y":{"$ref":"#/$defs/a"}}}""", "#/$defs/a/not: ")]
    [InlineData("""{"$ref":"https://example.org/x"}""", "#/$ref: ")]
    [InlineData("""{"$ref":"#/$defs/b"}""", "#/$ref: ")]
    [InlineData("""{"$ref":"#"}""", "#: ")]
    [InlineData("""{"anyOf":[{"$ref":"#"},{"type":"null"}]}""", "#: ")]
    [InlineData("""{"type":"text"}""", "#/type: ")]
    [InlineData("""{"type":["string",1]}""", "#/type/1: ")]
    [InlineData("""{"properties":{"a":1}}""", "#/properties/a: ")]
    [InlineData("""{"properties":[]}""", "#/properties: ")]
    [InlineData("""{"items":[{}]}""", "#/items: ")]
    [InlineData("""{"required":"a"}""", "#/required: ")]
    [InlineData("""{"required":[1]}""", "#/required/0: ")]
    [InlineData("""{"minLength":-1}""", "#/minLength: ")]
    [InlineData("""{"maxItems":1.5}""", "#/maxItems: ")]
    [InlineData("""{"maxLength":1000000}""", "#/maxLength: ")]
    [InlineData("""{"minimum":"1"}""", "#/minimum: ")]
    [InlineData("""{"exclusiveMinimum":true}""", "#/exclusiveMinimum: ")]
    [InlineData("""{"format":"regex"}""", "#/format: ")]
    [InlineData("""{"pattern":"(?=a)"}""", "#/pattern, position ")]
    [InlineData("""{"enum":1}""", "#/enum: ")]
    [InlineData("""{"anyOf":[]}""", "#/anyOf: ")]
    [InlineData("""{"allOf":[1]}""", "#/allOf/0: ")]
    [InlineData("""{"oneOf":[{"type":"string"},{"maxLength":3}]}""", "#/oneOf: ")]
    [InlineData("""{"oneOf":[{"type":"integer"},{"type":"number"}]}""", "#/oneOf: ")]
    [InlineData("""{"oneOf":[{"properties":{"k":{"const":1}}},{"properties":{"k":{"const":2}}}]}""", "#/oneOf: ")]
    [InlineData("""{"type":"string","pattern":"^[a-z]+$","maxLength":100000}""", "#: ")]
    [InlineData("""{"minProperties":2}""", "#/minProperties: ")]
    [InlineData("""{"properties":{"a":{},"b":{}},"maxProperties":1}""", "#/maxProperties: ")]
    [InlineData("""{"enum":[{}],"required":["a"]}""", "#: ")]
    [InlineData("""{"type":"string","enum":[1]}""", "#: no text matches")]
    [InlineData("""false""", "#: no text matches")]
    [InlineData("""{"type":"integer","minimum":2,"maximum":1}""", "#: no text matches")]
    [InlineData("""{"allOf":[{"type":"string"},{"type":"null"}]}""", "#: no text matches")]
    [InlineData("""{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}""", "#: no text matches")]
    [InlineData("""{"type":"object","required":["a"],"additionalProperties":false}""", "#: no text matches")]
    [InlineData("""{"type":"string","pattern":"^a+$","minLength":3,"maxLength":2}""", "#: no text matches")]
    [InlineData("""{"type":"string","allOf":[{"pattern":"^a+$"},{"pattern":"b"}]}""", "#: no text matches")]
    [InlineData("""{"type":"string","type":"null"}""", "schema: cannot be read")]
    [InlineData("""{"type":"str""", "schema: cannot be read")]
    [InlineData("""{"const":"\ud800"}""", "schema: cannot be read")]
    [InlineData("""[]""", "#: ")]
    public void What_is_not_supported_or_contradictory_is_refused_with_its_pointer(string schema, string place)
    {
        GrammarException error = Assert.Throws<GrammarException>(() => Grammar.FromJsonSchema(schema));
        Assert.StartsWith(place, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(". ", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"type":"integer","minimum":-5,"maximum":12}""", "-5|-1|0|9|12", "-6|13|1.0|01|-0|-")]
    [InlineData("""{"type":"number","minimum":0.5,"exclusiveMaximum":12.25}""", "0.5|0.50|1|12|12.2499|12.2|9.99", "0.49|0|12.25|12.3|-1|1e0|13|.5")]
    [InlineData("""{"type":"integer","multipleOf":7,"minimum":-14}""", "0|7|49|700|-7|-14", "1|-21|-1|8|7.0")]
    [InlineData("""{"type":"number","multipleOf":0.01,"maximum":2}""", "0|1.25|2.00|-3.1|-40", "1.255|2.01|-0.001")]
    [InlineData("""{"allOf":[{"multipleOf":4},{"multipleOf":6}],"type":"integer"}""", "0|12|-24", "4|6|13")]
    [InlineData("""{"type":"number","maximum":-0.5}""", "-0.5|-0.51|-1|-100", "-0.49|0|1|-0")]
    [InlineData("""{"type":"number","exclusiveMinimum":-2,"maximum":0}""", "-1.99|0|0.0|-0.001", "-2|-2.0|0.1")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"null"},"b":{"type":"null"}}}""", """{}|{"a":null}|{"b":null}|{"a":null,"b":null}|{ "a": null, "b": null }""", """{"b":null,"a":null}|{"c":null}|{"a":null,}|{,"b":null}|{"a":1}""")]
    [InlineData("""{"type":"object","properties":{"a":{"const":1}},"additionalProperties":{"const":2}}""", """{"a":1}|{"b":2}|{"a":1,"b":2,"aa":2}|{"":2}""", """{"a":2}|{"b":2,"a":2}|{"b":1}""")]
    [InlineData("""{"type":"array","prefixItems":[{"const":1},{"const":2}],"items":{"const":3},"minItems":1}""", "[1]|[1,2]|[1,2,3]|[1, 2, 3, 3]", "[]|[2]|[1,3]|[1,2,2]|[1,2,3,]")]
    [InlineData("""{"type":"array","items":{"type":"null"},"minItems":2,"maxItems":3}""", "[null,null]|[null,null,null]", "[]|[null]|[null,null,null,null]")]
    [InlineData("""{"type":"string","minLength":2,"maxLength":3}""", """ "ab"|"é😀"|"\n\\x"|"\u0001b" """, """ "a"|"abcd"|"😀"|ab|"ab """)]
    [InlineData("{}", """[1,-2.5e+3,"\ud83d\ude00\/",{"a":[true,false,null]}]|"x"|0""", """[1,]|{"a"}|"\ud83d"|01|tru|+1|[""")]
    [InlineData("""{"allOf":[{"enum":[1,2,3,"x"]},{"enum":[3,"x",4]}]}""", "3|\"x\"", "1|4")]
    [InlineData("""{"oneOf":[{"type":"integer","maximum":3},{"type":"integer","minimum":5},{"type":"string"}]}""", "3|5|\"\"", "4|null")]
    [InlineData("""{"allOf":[{"oneOf":[{"properties":{"k":{"const":1}},"required":["k"]},{"properties":{"k":{"const":2}},"required":["k"]}]},{"minLength":1}]}""", """{"k":1}|{"k":2}""", "\"x\"|{}")]
    [InlineData("""{"type":["integer","null"],"enum":[1,2.5,null,"a"]}""", "1|null", "2.5|\"a\"")]
    public void A_schema_takes_what_it_describes_and_nothing_else(string schema, string valid, string invalid)
    {
        TokenGrammar bound = Grammar.FromJsonSchema(schema).Bind(Vocabularies.Bytes);
        Assert.All(valid.Split('|'), text => Assert.True(RegexTests.Matches(bound, text.Trim()), text));
        Assert.All(invalid.Split('|'), text => Assert.False(RegexTests.Matches(bound, text.Trim()), text));
    }
}
