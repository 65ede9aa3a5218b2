using Craton.Inference.Constraints.Automata;

namespace Craton.Inference.Constraints;

/// <summary>Collects the rules of a grammar; rule 0 is the text.</summary>
internal sealed class GrammarBuilder
{
    private readonly List<string> _names = [];
    private readonly List<Term?> _terms = [];

    /// <summary>What each rule is called in messages.</summary>
    public IReadOnlyList<string> Names => _names;

    /// <summary>Adds a rule whose term is set later, so that rules can refer to each other.</summary>
    public int AddRule(string name)
    {
        if (_names.Count == Limits.Rules)
            throw new GrammarException($"{name}: a grammar may have {Limits.Rules} rules; make it smaller");
        _names.Add(name);
        _terms.Add(null);
        return _names.Count - 1;
    }

    /// <summary>Says what a rule matches.</summary>
    public void Set(int rule, Term term) => _terms[rule] = term;

    /// <summary>Compiles every rule.</summary>
    public IReadOnlyList<Dfa> Compile()
    {
        bool[] empty = RulesThatMayBeEmpty();
        var rules = new List<Dfa>();
        int states = 0;
        for (int i = 0; i < _terms.Count; i++)
        {
            try
            {
                rules.Add(NfaBuilder.Compile(_terms[i]!, rule => empty[rule]));
            }
            catch (GrammarException e)
            {
                throw new GrammarException($"{_names[i]}: {e.Message}", e);
            }

            states += rules[^1].States.Count;
            if (states > Limits.States)
                throw new GrammarException($"the grammar needs more than {Limits.States} states; use smaller repetitions or fewer rules");
        }

        return rules;
    }

    private bool[] RulesThatMayBeEmpty()
    {
        var empty = new bool[_terms.Count];
        for (bool changed = true; changed;)
        {
            changed = false;
            for (int i = 0; i < _terms.Count; i++)
            {
                if (!empty[i] && MayBeEmpty(_terms[i]!, empty))
                    empty[i] = changed = true;
            }
        }

        return empty;
    }

    private static bool MayBeEmpty(Term term, bool[] rules) => term switch
    {
        FixedText text => text.Text.Length == 0,
        Characters => false,
        Sequence sequence => sequence.Terms.All(t => MayBeEmpty(t, rules)),
        Choice choice => choice.Terms.Any(t => MayBeEmpty(t, rules)),
        Repeat repeat => repeat.Least == 0 || MayBeEmpty(repeat.Item, rules),
        Call call => rules[call.Rule],
        Accepted accepted => accepted.Automaton.States[0].Final,
        Separated list => list.Parts.All(p => !p.Required || MayBeEmpty(p.Item, rules)),
        _ => throw new InvalidOperationException($"No rule for {term.GetType().Name}."),
    };
}
