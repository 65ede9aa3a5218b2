namespace Craton.Tokenizers.Tests;
