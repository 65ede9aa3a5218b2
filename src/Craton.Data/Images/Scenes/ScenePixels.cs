namespace Craton.Data.Images.Scenes;

/// <summary>The pixels of a picture as a reader of scenes needs them. A place is row · side + column.</summary>
internal sealed class ScenePixels(Picture picture)
{
    public int Side => picture.Width;

    /// <summary>The background that most pixels of the border are nearest to.</summary>
    public SceneBackground Background()
    {
        SceneBackground[] all = Enum.GetValues<SceneBackground>();
        int[] votes = new int[all.Length];
        for (int i = 0; i < Side; i++)
            foreach (int at in (ReadOnlySpan<int>)[i, (Side - 1) * Side + i, i * Side, i * Side + Side - 1])
                votes[(int)all.MinBy(background => Distance(at, SceneRenderer.Rgb(background)))]++;
        return all.MaxBy(background => votes[(int)background]);
    }

    /// <summary>The connected parts whose colour is further than that from the background, in the order of their first pixels.</summary>
    public IEnumerable<List<int>> Parts((int R, int G, int B) behind, int distance)
    {
        bool[] wanted = new bool[Side * Side];
        for (int at = 0; at < wanted.Length; at++) wanted[at] = Distance(at, behind) > distance * distance;
        for (int first = 0; first < wanted.Length; first++)
        {
            if (!wanted[first]) continue;
            List<int> part = [first];
            wanted[first] = false;
            for (int i = 0; i < part.Count; i++)
                foreach (int next in Neighbours(part[i]))
                    if (wanted[next])
                    {
                        wanted[next] = false;
                        part.Add(next);
                    }
            yield return part;
        }
    }

    /// <summary>A part and the pixels next to it, where smooth edges fade out, in order.</summary>
    public SortedSet<int> Grown(List<int> part) => [.. part, .. part.SelectMany(Neighbours)];

    /// <summary>How much of a colour, mixed with the background, explains a pixel best, and the squared distance that is left.</summary>
    public (double Share, double Error) Mixture(int at, (int R, int G, int B) behind, (int R, int G, int B) colour)
    {
        (double r, double g, double b) = (colour.R - behind.R, colour.G - behind.G, colour.B - behind.B);
        ReadOnlySpan<byte> pixel = picture.Samples.AsSpan(3 * at, 3);
        (double x, double y, double z) = (pixel[0] - behind.R, pixel[1] - behind.G, pixel[2] - behind.B);
        double share = Math.Clamp((x * r + y * g + z * b) / (r * r + g * g + b * b), 0, 1);
        (x, y, z) = (x - share * r, y - share * g, z - share * b);
        return (share, x * x + y * y + z * z);
    }

    private long Distance(int at, (int R, int G, int B) colour)
    {
        ReadOnlySpan<byte> pixel = picture.Samples.AsSpan(3 * at, 3);
        (long r, long g, long b) = (pixel[0] - colour.R, pixel[1] - colour.G, pixel[2] - colour.B);
        return r * r + g * g + b * b;
    }

    private IEnumerable<int> Neighbours(int at)
    {
        (int row, int column) = (at / Side, at % Side);
        if (row > 0) yield return at - Side;
        if (column > 0) yield return at - 1;
        if (column < Side - 1) yield return at + 1;
        if (row < Side - 1) yield return at + Side;
    }
}
