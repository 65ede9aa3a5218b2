using Craton.Inference.Engine;

namespace Craton.Inference.Tests;

public sealed class PagePoolTests
{
    [Fact]
    public void APageKeepsItsNameUntilItIsNeeded()
    {
        var pool = new PagePool(2);
        Assert.True(pool.TryTake(out int a) & pool.TryTake(out int b));
        Assert.False(pool.TryTake(out _));
        pool.SetName(a, 1);
        pool.SetName(b, 2);
        pool.Release(a);
        pool.Release(b);
        Assert.Equal(2, pool.Free);
        Assert.True(pool.TryFind(1, out int found));
        Assert.Equal(a, found);
        Assert.True(pool.TryTake(out int taken)); // b, since a is in use
        Assert.Equal(b, taken);
        Assert.False(pool.TryFind(2, out _));
        Assert.True(pool.TryFind(1, out _));
        pool.Release(a);
        Assert.Equal(0, pool.Free); // a second user has it
        pool.Release(a);
        Assert.Equal(1, pool.Free);
    }

    [Fact]
    public void TheLongestUnusedPageGoesFirst()
    {
        var pool = new PagePool(3);
        for (int i = 0; i < 3; i++)
        {
            pool.TryTake(out int page);
            pool.SetName(page, (UInt128)i);
        }
        foreach (int page in new[] { 1, 2, 0 }) pool.Release(page);
        Assert.True(pool.TryFind(1, out int used));
        pool.Release(used);
        Assert.True(pool.TryTake(out int first) & pool.TryTake(out int second));
        Assert.Equal((2, 0), (first, second));
    }

    [Fact]
    public void NamesSayWhatComesBefore()
    {
        int[] page = [1, 2, 3];
        UInt128 root = PagePool.Root("", 0, 0), name = PagePool.NameOf(root, page);
        Assert.Equal(name, PagePool.NameOf(PagePool.Root("", 0, 0), page));
        UInt128[] others = [PagePool.NameOf(name, page), PagePool.NameOf(PagePool.Root("a", 0, 0), page), PagePool.NameOf(PagePool.Root("", 0, 1), page), PagePool.NameOf(PagePool.Root("", 1, 0), page), PagePool.NameOf(root, [1, 2, 4])];
        Assert.Equal(6, others.Append(name).Distinct().Count());
    }
}
