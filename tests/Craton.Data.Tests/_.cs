namespace Craton.Data.Tests;
