using System.Text;
using Craton.Models.Generation;

namespace Craton.Models.Tests.Generation;

public sealed class StopTextTests
{
    [Theory]
    [InlineData("one\nUser: two", "one", "\nUser:")]
    [InlineData("aaab", "a", "aab")]
    [InlineData("xabcdx", "xab", "abcd", "c")]
    [InlineData("xabcx", "x", "abc", "c")]
    [InlineData("no stop at all\nUse", "no stop at all\nUse", "\nUser:")]
    [InlineData("😀 and 😁", "😀 and ", "😁")]
    [InlineData("as it is", "as it is")]
    public void TheResultIsTheSameHoweverTheTextIsCut(string text, string expected, params string[] stops)
    {
        // Every way to cut up to 12 characters; for longer texts the first 4096 ways.
        int ways = 1 << Math.Min(12, text.Length - 1);
        for (int cuts = 0; cuts < ways; cuts++)
        {
            var stop = new StopText(stops);
            var shown = new StringBuilder();
            int start = 0;
            for (int i = 1; i <= text.Length; i++)
            {
                if (i < text.Length && (i > 12 || (cuts >> (i - 1) & 1) == 0)) continue;
                shown.Append(stop.Feed(text[start..i]));
                Assert.StartsWith(shown.ToString(), expected, StringComparison.Ordinal); // nothing is ever taken back
                start = i;
            }
            Assert.Equal(expected.Length < text.Length, stop.Found);
            shown.Append(stop.Flush());
            Assert.Equal(expected, shown.ToString());
        }
    }

    [Fact]
    public void WhatCannotBeginAStopTextIsShownAtOnce()
    {
        var stop = new StopText(["STOP"]);
        Assert.Equal("go on", stop.Feed("go on"));
        Assert.Equal("", stop.Feed("ST"));
        Assert.Equal("STill", stop.Feed("ill"));
    }

    [Fact]
    public void NothingFollowsAStopText()
    {
        var stop = new StopText(["."]);
        Assert.Equal("end", stop.Feed("end. more"));
        Assert.Equal("", stop.Feed("and more"));
        Assert.Equal("", stop.Flush());
    }
}
