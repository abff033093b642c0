using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

const int LargestBody = 2 * 1024 * 1024;
var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
string[] mediaTypes = ["application/cloudevents+json", "application/cloudevents-batch+json", "application/json"];

// What GET …/secret answers, separated by commas.
var secrets = Split(Environment.GetEnvironmentVariable("CONTOSO_SECRETS") ?? "");
if (secrets.Length == 0)
{
    Console.Error.WriteLine(
        "CONTOSO_SECRETS is not set: put what GET …/subscriptions/{name}/secret answers there, separated by commas");
    return 1;
}

var builder = WebApplication.CreateBuilder(args);
builder.WebHost.ConfigureKestrel(kestrel =>
{
    kestrel.Limits.MaxRequestBodySize = LargestBody;
    // Kestrel answers 400 to a header that is not UTF-8, before anything here is asked.
    kestrel.RequestHeaderEncodingSelector = _ => Encoding.Latin1;
});
var app = builder.Build();
var inbox = new Inbox();

app.MapMethods("/hook", new[] { "OPTIONS" }, (HttpRequest request, HttpResponse response) =>
{
    response.Headers["Allow"] = "POST";
    var origin = request.Headers["WebHook-Request-Origin"].ToString();
    if (origin == "")
    {
        return Results.StatusCode(405);
    }
    response.Headers["WebHook-Allowed-Origin"] = origin;
    response.Headers["WebHook-Allowed-Rate"] = "*";
    return Results.StatusCode(200);
});

// The request itself, and no parameter for a body: one of a model takes either an object or an array.
app.MapPost("/hook", async (HttpRequest request) =>
{
    var given = request.Headers["x-contoso-secret"];
    if (given.Count != 1 || !IsOurs(given.ToString()))
    {
        return Results.StatusCode(401);
    }
    var mediaType = (request.ContentType ?? "").Split(';')[0].Trim().ToLowerInvariant();
    if (!mediaTypes.Contains(mediaType))
    {
        return Results.StatusCode(415);
    }
    CloudEvent[] events;
    try
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, request.HttpContext.RequestAborted);
        // As text, so that bytes which are no UTF-8, or begin with a byte order mark, are refused here.
        using var document = JsonDocument.Parse(utf8.GetString(body.GetBuffer(), 0, (int)body.Length));
        var root = document.RootElement;
        var elements = root.ValueKind == JsonValueKind.Array ? root.EnumerateArray().ToArray() : new[] { root };
        events = elements.Select(element => CloudEvent.Parse(element)).ToArray();
    }
    catch (BadHttpRequestException error)
    {
        // Too large, or it ended early.
        return Results.StatusCode(error.StatusCode);
    }
    catch (Exception error) when (error is JsonException or InvalidOperationException or DecoderFallbackException)
    {
        // No JSON, no events, or text that is half of a character.
        return Results.StatusCode(400);
    }
    // An error from here on is ours: 500, and it comes again.
    foreach (var cloudEvent in events)
    {
        var verdict = inbox.Take(cloudEvent, request.Headers["aeg-subscription-name"].ToString());
        var line = $"{verdict} {cloudEvent.Type} {cloudEvent.Subject} {cloudEvent.Sequence}";
        Console.WriteLine(line.ReplaceLineEndings(" "));
    }
    return Results.StatusCode(200);
});

app.Run();
return 0;

static byte[][] Split(string text) => text
    .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
    .Select(part => Encoding.Latin1.GetBytes(part))
    .ToArray();

// The header holds one secret, or several, newest first, while older ones still count.
bool IsOurs(string header) =>
    Split(header).Any(one => secrets.Any(other => CryptographicOperations.FixedTimeEquals(one, other)));

sealed record CloudEvent(string Id, string Source, string Type, string? Subject, string? Sequence, bool IsTest, JsonElement? Data)
{
    public static CloudEvent Parse(JsonElement element)
    {
        string? Text(string name) =>
            element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        string Required(string name) => Text(name) is { Length: > 0 } text ? text : throw new JsonException($"no {name}");

        if (element.ValueKind != JsonValueKind.Object || Text("specversion") != "1.0")
        {
            throw new JsonException("no CloudEvent 1.0");
        }
        if (element.TryGetProperty("subject", out var subject) && subject.ValueKind is not (JsonValueKind.String or JsonValueKind.Null))
        {
            throw new JsonException("a subject that is no text");
        }
        var hasData = element.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.Object;
        var isTest = element.TryGetProperty("test", out var test) && test.ValueKind == JsonValueKind.True;
        return new CloudEvent(
            Required("id"),
            Required("source"),
            Required("type"),
            Text("subject"),
            Text("sequence"),
            isTest,
            hasData ? data.Clone() : null);
    }
}

/// <summary>In place of two tables: write them in one transaction, all events of a delivery or none, before it is answered.</summary>
sealed class Inbox
{
    const string Changed = "com.contoso.product.changed.v1";
    const string Discontinued = "com.contoso.product.discontinued.v1";
    const string Welcome = "com.contoso.partner.welcome.v1";
    const string Test = "com.contoso.partner.test.v1";
    const string Failing = "com.contoso.partner.subscription-failing.v1";
    const string Paused = "com.contoso.partner.subscription-paused.v1";
    const string Recovered = "com.contoso.partner.subscription-recovered.v1";
    const int Remembered = 10_000;
    static readonly Regex Digits = new(@"\A[0-9]{1,20}\z");

    readonly object turn = new();
    readonly Dictionary<string, Product> products = new(StringComparer.Ordinal);
    readonly HashSet<string> deliveries = new(StringComparer.Ordinal);
    readonly Queue<string> order = new();

    sealed record Product(string Sequence, bool IsSold, JsonElement Data);

    /// <summary>Takes one event, and says what it was: applied, older, repeat, notice or ignored.</summary>
    public string Take(CloudEvent cloudEvent, string subscription)
    {
        lock (turn)
        {
            // Two subscriptions may select one event, and each delivers it: that is no repeat.
            var key = JsonSerializer.SerializeToUtf8Bytes(new[] { cloudEvent.Source, cloudEvent.Id, subscription });
            var delivery = Convert.ToHexString(SHA256.HashData(key));
            if (!deliveries.Add(delivery))
            {
                return "repeat";
            }
            order.Enqueue(delivery);
            if (order.Count > Remembered)
            {
                deliveries.Remove(order.Dequeue());
            }

            // `contoso partners send` marks its examples: their product may not exist, and their price is made up.
            if (cloudEvent.Type is Welcome or Test or Failing or Paused or Recovered || cloudEvent.IsTest)
            {
                return "notice";
            }
            // Types that come some day are taken, since a refusal would have them come again.
            if (cloudEvent.Type is not (Changed or Discontinued)
                || cloudEvent.Subject is not { } product
                || cloudEvent.Sequence is not { } sequence
                || !Digits.IsMatch(sequence)
                || cloudEvent.Data is not { } data)
            {
                return "ignored";
            }
            // As text of one length, the 64-bit number compares alike everywhere; ordinally, since a culture's rules are others.
            var padded = sequence.PadLeft(20, '0');
            if (products.TryGetValue(product, out var held) && string.CompareOrdinal(held.Sequence, padded) >= 0)
            {
                return "older";
            }
            // What is no longer sold stays, so that an older change does not bring it back.
            products[product] = new Product(padded, cloudEvent.Type == Changed, data);
            return "applied";
        }
    }
}
