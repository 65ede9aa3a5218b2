global using Craton.Tensors;
global using Craton.Tensors.IO;
