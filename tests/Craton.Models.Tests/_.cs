namespace Craton.Models.Tests;
