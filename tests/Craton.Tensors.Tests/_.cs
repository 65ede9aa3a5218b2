namespace Craton.Tensors.Tests;
