namespace Craton.Cli.Tests;
