namespace Craton.Data;
