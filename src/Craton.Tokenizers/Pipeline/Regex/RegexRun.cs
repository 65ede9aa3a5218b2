using System.Collections;
using System.Text;
using Craton.Tokenizers.Unicode;

namespace Craton.Tokenizers.Pipeline;

/// <summary>
/// One program at work on one text: backtracking in the order of Perl that never tries the same split at the same place twice, so
/// that time and memory are linear in the text whatever the pattern. What failed once fails again wherever the search began.
/// </summary>
internal sealed class RegexRun
{
    private readonly RegexProgram _program;
    private readonly int[] _text;
    private readonly BitArray _tried;
    private readonly (int Start, int End)[] _runs;
    private readonly Stack<(int At, int Place, int Path)> _choices = new();
    private RegexRun?[]? _inner;

    // Of a program inside another one: where it ended from the splits on its way, which another start may reach again.
    private readonly Dictionary<long, int>? _ends;
    private readonly List<long> _path = [];

    /// <summary>Starts on a text.</summary>
    /// <param name="program">The program.</param>
    /// <param name="text">Code points.</param>
    /// <param name="isInner">It is part of another program.</param>
    /// <exception cref="TokenizerException">The text is too long for so many choices.</exception>
    public RegexRun(RegexProgram program, int[] text, bool isInner = false)
    {
        _program = program;
        _text = text;
        long tried = (long)program.Splits * (text.Length + 1);
        if (tried > int.MaxValue)
        {
            throw new TokenizerException(
                $"A text of {text.Length} characters is too long for a pattern with {program.Splits} choices; encode it in parts.");
        }

        _tried = new BitArray((int)tried);
        _runs = new (int, int)[program.Runs];
        Array.Fill(_runs, (0, -1));
        _ends = isInner ? [] : null;
    }

    /// <summary>The end of the match that begins at a place, or -1.</summary>
    public int Match(int place)
    {
        _choices.Clear();
        _path.Clear();
        int at = 0;
        while (true)
        {
            if (!TryStep(ref at, ref place, out int end))
            {
                if (!_choices.TryPop(out (int At, int Place, int Path) choice))
                    return -1;
                (at, place) = (choice.At, choice.Place);
                _path.RemoveRange(choice.Path, _path.Count - choice.Path);
            }
            else if (end >= 0)
            {
                foreach (long split in _path)
                    _ends![split] = end;
                return end;
            }
        }
    }

    /// <summary>Carries out one instruction; false when it fails. The end is that of the whole match, or -1.</summary>
    private bool TryStep(ref int at, ref int place, out int end)
    {
        RegexInstruction i = _program.Code[at];
        (end, int here) = (-1, at++);
        switch (i.Action)
        {
            case RegexAction.Take:
                return place < _text.Length && i.Set!.Contains(_text[place++]);
            case RegexAction.TakeAll:
                int start = place;
                place = RunEnd(i, place);
                return place - start >= i.Other;
            case RegexAction.Jump:
                at = i.Next;
                return true;
            case RegexAction.Split:
                return TrySplit(i, ref at, place, out end);
            case RegexAction.Assert:
                return Holds(i.Anchor, place);
            case RegexAction.LookAhead:
                return Inner(here, i).Match(place) >= 0 != i.Negated;
            case RegexAction.LookBehind:
                return (place >= i.Other && Inner(here, i).Match(place - i.Other) == place) != i.Negated;
            case RegexAction.Atomic:
                place = Inner(here, i).Match(place);
                return place >= 0;
            default:
                end = place;
                return true;
        }
    }

    private bool TrySplit(RegexInstruction i, ref int at, int place, out int end)
    {
        end = -1;
        long key = (long)i.Number * (_text.Length + 1) + place;
        if (_tried[(int)key])
            return _ends is not null && _ends.TryGetValue(key, out end);
        _tried[(int)key] = true;
        if (_ends is not null)
            _path.Add(key);
        _choices.Push((i.Other, place, _path.Count));
        at = i.Next;
        return true;
    }

    /// <summary>The end of the run of a set, which is the same from everywhere within it.</summary>
    private int RunEnd(RegexInstruction i, int place)
    {
        ref (int Start, int End) known = ref _runs[i.Number];
        if (place >= known.Start && place <= known.End)
            return known.End;
        int end = place;
        while (end < _text.Length && i.Set!.Contains(_text[end]))
            end++;
        known = (place, end);
        return end;
    }

    private RegexRun Inner(int at, RegexInstruction i)
    {
        _inner ??= new RegexRun?[_program.Code.Length];
        return _inner[at] ??= new RegexRun(i.Inner!, _text, isInner: true);
    }

    private bool Holds(RegexAnchor anchor, int place)
    {
        bool atEnd = place == _text.Length;
        return anchor switch
        {
            RegexAnchor.TextStart => place == 0,
            RegexAnchor.TextEnd => atEnd,
            RegexAnchor.LastLineEnd => atEnd || (place == _text.Length - 1 && _text[place] == '\n'),
            RegexAnchor.LineStart => place == 0 || (!atEnd && _text[place - 1] == '\n'),
            RegexAnchor.LineEnd => atEnd || _text[place] == '\n',
            RegexAnchor.WordBoundary => IsWord(place - 1) != IsWord(place),
            _ => IsWord(place - 1) == IsWord(place),
        };
    }

    private bool IsWord(int place) => place >= 0 && place < _text.Length && CodePointClass.IsWord(new Rune(_text[place]));
}
