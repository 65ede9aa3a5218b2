namespace Craton.Evaluation;
