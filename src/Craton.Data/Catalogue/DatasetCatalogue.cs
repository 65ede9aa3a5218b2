namespace Craton.Data;

/// <summary>A file of a public data set.</summary>
/// <param name="Name">Its name, uncompressed; within the set's folder, with a slash where it lies in a folder of its own.</param>
/// <param name="Url">Where it is published; with <c>.gz</c> there it is decompressed.</param>
/// <param name="Sha256">Of the uncompressed content, lower-case hexadecimal.</param>
/// <param name="Bytes">Length of the uncompressed content.</param>
public sealed record CatalogueFile(string Name, string Url, string Sha256, long Bytes)
{
    /// <summary>A second content that is accepted from a local mirror, where the mirror's file is known to differ harmlessly.</summary>
    public string? MirrorSha256 { get; init; }
}

/// <summary>A public data set that <c>craton data pull</c> knows.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it is, in a line.</param>
/// <param name="Licence">Its terms; read them before you ship a model.</param>
/// <param name="Format">Format of the files.</param>
/// <param name="Files">The files.</param>
public sealed record CatalogueSet(string Name, string Description, string Licence, string Format, IReadOnlyList<CatalogueFile> Files);

/// <summary>The data sets known by name. A set is one entry here.</summary>
public static partial class DatasetCatalogue
{
    /// <summary>All sets.</summary>
    public static IReadOnlyList<CatalogueSet> Sets { get; } =
    [
        new("names", "32,033 first names, one a line: trains a character model in seconds", "US government data; repository MIT", "txt, a name a line",
        [
            new("names.txt", "https://raw.githubusercontent.com/karpathy/makemore/master/names.txt", "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d", 228145),
        ]),
        new("tinyshakespeare", "1.1 MB of plays: the usual first character-level text", "public domain", "txt",
        [
            new("input.txt", "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt", "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed", 1115394),
        ]),
        new("wikitext-2", "Wikipedia articles, validation and test part: perplexity", "CC BY-SA 3.0 / GFDL", "txt, a paragraph a line, rare words as <unk>",
        [
            new("valid.txt", "https://raw.githubusercontent.com/pytorch/examples/main/word_language_model/data/wikitext-2/valid.txt", "f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8", 1121681),
            new("test.txt", "https://raw.githubusercontent.com/pytorch/examples/main/word_language_model/data/wikitext-2/test.txt", "d790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0", 1256449),
        ]),
        new("instructions", "instruction-following examples: supervised fine-tuning", "Apache 2.0 (rasbt, Self-Instruct), CC BY-NC 4.0 (Code Alpaca)", "JSON arrays of instruction, input, output; JSONL of seed tasks",
        [
            new("rasbt-instruction-data.json", "https://raw.githubusercontent.com/rasbt/LLMs-from-scratch/main/ch07/01_main-chapter-code/instruction-data.json", "7e09a9af353722ca15c18bc580f093f9c39d3178335a75177319cb1e1d163944", 203524),
            new("self-instruct-seed-tasks.jsonl", "https://raw.githubusercontent.com/yizhongw/self-instruct/main/data/seed_tasks.jsonl", "7779004fa198fdf27cf70a159363879d8a26c53329e11b436af17b3941875f48", 110934),
            new("code-alpaca-2k.json", "https://raw.githubusercontent.com/sahil280114/codealpaca/master/data/code_alpaca_2k.json", "9cb7352683bd2f530ce81eff7f8d58ccbe1a4bdf28afebbe9f80ec687256066d", 796189),
        ]),
        new("preferences-rasbt", "1,100 instructions with a polite and an impolite answer: preference tuning", "Apache 2.0", "JSON array of instruction, input, output, chosen, rejected",
        [
            new("instruction-data-with-preference.json", "https://raw.githubusercontent.com/rasbt/LLMs-from-scratch/main/ch07/04_preference-tuning-with-dpo/instruction-data-with-preference.json", "305315abf14f65fa42c01a0877572f832606571c2a7d49f152ac1d758b16756e", 386968),
        ]),
        new("gsm8k", "8,792 school word problems with worked answers", "MIT", "JSONL of question, answer",
        [
            new("train.jsonl", "https://raw.githubusercontent.com/openai/grade-school-math/master/grade_school_math/data/train.jsonl", "17f347dc51477c50d4efb83959dbb7c56297aba886e5544ee2aaed3024813465", 4166206),
            new("test.jsonl", "https://raw.githubusercontent.com/openai/grade-school-math/master/grade_school_math/data/test.jsonl", "3730d312f6e3440559ace48831e51066acaca737f6eabec99bccb9e4b3c39d14", 749738),
        ]),
        new("mbpp", "974 short Python tasks with tests", "CC BY 4.0", "JSONL of text, code, test_list",
        [
            new("mbpp.jsonl", "https://raw.githubusercontent.com/google-research/google-research/master/mbpp/mbpp.jsonl", "143559fa164408d45cab058238471288b0e447507ce55db3057c56113d9dccb4", 564715),
        ]),
        new("humaneval", "164 Python functions to complete, with tests", "MIT", "JSONL of prompt, canonical_solution, test",
        [
            new("HumanEval.jsonl", "https://raw.githubusercontent.com/openai/human-eval/master/data/HumanEval.jsonl.gz", "1d49078ba3e2b196b9344535bef34a43021f038fad9561d6ee7c53450609a6a2", 214438),
        ]),
        new("xquad", "1,190 questions on 240 paragraphs, English and German", "CC BY-SA 4.0", "SQuAD v1.1 JSON",
        [
            new("xquad.en.json", "https://raw.githubusercontent.com/google-deepmind/xquad/master/xquad.en.json", "e4c57d1c9143aaa1c5d265ba5987a65f4e69528d2a98f29d6e75019b10344f29", 609383),
            new("xquad.de.json", "https://raw.githubusercontent.com/google-deepmind/xquad/master/xquad.de.json", "990b5d746746ed65ed4702ea5f35f99ffa4e2f1c390c07d003642acd937916f9", 669810),
        ]),
        new("banking77", "13,083 questions to a bank with 77 intents: classification", "CC BY 4.0", "CSV of text, category",
        [
            new("train.csv", "https://raw.githubusercontent.com/PolyAI-LDN/task-specific-datasets/master/banking_data/train.csv", "b06e26ac675513959a63135f11b94ea7786ed02da65db93a5650d8838cbc664b", 839073),
            new("test.csv", "https://raw.githubusercontent.com/PolyAI-LDN/task-specific-datasets/master/banking_data/test.csv", "d12d6e3bc4c3103966ae786dc435913c0c563dfa328f5a3646d0e62cfeeb474d", 239961),
            new("categories.json", "https://raw.githubusercontent.com/PolyAI-LDN/task-specific-datasets/master/banking_data/categories.json", "53261da888122daf2d120d925458631d9619e15d82e56052e7a42e535ce32b63", 2036),
        ]),
        new("sst2", "7,792 sentences of film reviews, positive or negative", "no licence file; distributed freely for research", "TSV of sentence, label",
        [
            new("train.tsv", "https://raw.githubusercontent.com/clairett/pytorch-sentiment-classification/master/data/SST2/train.tsv", "ec192f833a64da08f475488a77b0d0b47db47acd0f458bd18433fc793b569920", 720259),
            new("dev.tsv", "https://raw.githubusercontent.com/clairett/pytorch-sentiment-classification/master/data/SST2/dev.tsv", "eddea6b39e601dd4e7a672b53cc40fdf6019fa80522f351206c24340ca5d9359", 92057),
        ]),
        new("stsb", "sentence pairs with a similarity from 0 to 5, English", "CC BY-SA 4.0 and others, by source", "CSV without header: sentence, sentence, score",
        [
            new("stsb-en-train.csv", "https://raw.githubusercontent.com/PhilipMay/stsb-multi-mt/main/data/stsb-en-train.csv", "e1e84fec60bbb598735552f54a35f4949904a484750fd2cb11e2720e49f63da6", 708863),
            new("stsb-en-dev.csv", "https://raw.githubusercontent.com/PhilipMay/stsb-multi-mt/main/data/stsb-en-dev.csv", "d29586e96558c4eb52cf5ea5d14e9c24d3bf0e44f111b017caba43a5adc33226", 204675),
        ]),
        new("wikiann-en", "40,000 sentences with persons, places and organisations", "ODC-BY; text CC BY-SA", "a token and its tag a line, blank line between sentences",
        [
            new("train.tsv", "https://raw.githubusercontent.com/davidsbatista/NER-datasets/master/WikiANN/en/train", "ca569a937f536cfc7e94291fbf631d394ce0c171af4523d96f366a50bd18b388", 1994834),
            new("dev.tsv", "https://raw.githubusercontent.com/davidsbatista/NER-datasets/master/WikiANN/en/dev", "e9e42f79be5eba498ac86b7b81612da5ec5ad3d194df25c2e474514434957cf4", 1002261),
            new("test.tsv", "https://raw.githubusercontent.com/davidsbatista/NER-datasets/master/WikiANN/en/test", "798706360692e56b9ce72fe37033c581cc9801b18f22091100b8266e0dc7fccb", 1000256),
        ]),
        new("scitldr", "2,611 papers with one-sentence summaries", "Apache 2.0", "JSONL of source, target, title",
        [
            new("train.jsonl", "https://raw.githubusercontent.com/allenai/scitldr/master/SciTLDR-Data/SciTLDR-A/train.jsonl", "b222771d387be585cfdf5ae957b36757138415a352e0a3e3b23f73f87c3b1119", 3155015),
            new("dev.jsonl", "https://raw.githubusercontent.com/allenai/scitldr/master/SciTLDR-Data/SciTLDR-A/dev.jsonl", "3191fa98ccc09521332b7a1cd63b1930be4e8df125a235ccd31e40329709525e", 1124865),
        ]),
        new("multi30k", "31,014 captions in English and German: translation", "research; commonly given as CC BY-NC-SA 4.0", "txt, parallel lines",
        [
            new("train.en", "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/train.en.gz", "460a15fbd157e34a7a9957ee388c1ca247fe47af3ef25fb50442af6c274e0fc6", 1801238),
            new("train.de", "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/train.de.gz", "2c2b73fd2b548fbcde3a875e0a78d6ee94d498bfdee6bd3eae3945779e9ddf72", 2110398),
            new("val.en", "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/val.en.gz", "1f2a23d992769b5b3d209b0a10dd0b77c08cceb1f20dfb97ed0aafa49d107227", 63297),
            new("val.de", "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/val.de.gz", "660e09eb7e1da2f856ea13ee5ad3cf6d36b3d5b0b733c857e94c5747a3dfc660", 75981),
            new("test_2016_flickr.en", "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/test_2016_flickr.en.gz", "399a4382932c1aadd3ceb9bef1008d388a64c76d4ae4e9d4728c6f4301cac182", 62076),
            new("test_2016_flickr.de", "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/test_2016_flickr.de.gz", "4be6b5b3236b79c25475c6bb829800a7ce559e9ba7a1f6c2394fe4d40be46d16", 70649),
        ]),
        new("mnist", "70,000 handwritten digits, 28 x 28", "CC BY-SA 3.0", "IDX, big-endian",
        [
            // The mirror's training images were rebuilt from PNG files: pixels of value 1 are 0 there.
            new("train-images-idx3-ubyte", "https://storage.googleapis.com/cvdf-datasets/mnist/train-images-idx3-ubyte.gz", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", 47040016) { MirrorSha256 = "b61ffb6f513fd9ff8d89824731f6b4ed7863c759c33056d701efb8412469fb04" },
            new("train-labels-idx1-ubyte", "https://storage.googleapis.com/cvdf-datasets/mnist/train-labels-idx1-ubyte.gz", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", 60008),
            new("t10k-images-idx3-ubyte", "https://storage.googleapis.com/cvdf-datasets/mnist/t10k-images-idx3-ubyte.gz", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", 7840016),
            new("t10k-labels-idx1-ubyte", "https://storage.googleapis.com/cvdf-datasets/mnist/t10k-labels-idx1-ubyte.gz", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", 10008),
        ]),
        new("weights-small", "a trained reader of handwritten digits, which judges what models draw", "MIT or Apache 2.0", "safetensors",
        [
            new("mnist-cnn/mnist.safetensors", "https://raw.githubusercontent.com/tracel-ai/burn/main/examples/import-model-weights/weights/mnist.safetensors", "f23a34cfa782d2a61cf65d70d7813c7f4d4e9a1e79d81ee7bb0695dda1606fe4", 1509296),
        ]),
    ];
}
