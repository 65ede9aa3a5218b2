namespace Craton.Nn;
