namespace Craton.Nn.Tests;
