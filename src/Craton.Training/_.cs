namespace Craton.Training;
