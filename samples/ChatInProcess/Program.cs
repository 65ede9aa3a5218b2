// Asks a model inside this process, through the interface that all .NET clients of language models share.
// Run: dotnet run --project samples/ChatInProcess -- MODEL_DIRECTORY QUESTION
// As one file that needs no .NET: dotnet publish samples/ChatInProcess -r linux-x64 --self-contained -p:PublishSingleFile=true -p:PublishTrimmed=true
using Craton.Inference;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

await using ServiceProvider services = new ServiceCollection().AddCraton(args[0]).BuildServiceProvider();
IChatClient chat = services.GetRequiredService<IChatClient>();
await foreach (ChatResponseUpdate update in chat.GetStreamingResponseAsync(args[1], new ChatOptions { MaxOutputTokens = 50 })) Console.Write(update.Text);
Console.WriteLine();
