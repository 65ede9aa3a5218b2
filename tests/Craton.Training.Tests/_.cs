namespace Craton.Training.Tests;
