namespace Craton.Evaluation.Tests;
