global using Craton.Tensors;
global using Craton.Tensors.IO;
global using Craton.Tensors.Tests.IO;
