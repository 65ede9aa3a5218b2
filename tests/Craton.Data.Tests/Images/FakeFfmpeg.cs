namespace Craton.Data.Tests.Images;

/// <summary>A script in the place of ffmpeg.</summary>
internal static class FakeFfmpeg
{
    /// <summary>Writes the script as <c>ffmpeg</c> into a folder, which is made.</summary>
    public static void Write(string folder, string script)
    {
        string path = Path.Combine(Directory.CreateDirectory(folder).FullName, "ffmpeg");
        File.WriteAllText(path, "#!/bin/sh\n" + script + "\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
