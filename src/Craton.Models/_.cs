namespace Craton.Models;
