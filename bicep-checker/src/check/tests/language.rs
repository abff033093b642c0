//! Names, expressions and types of the language itself.

use super::{Options, Pair, compare};

#[test]
fn names() {
    let pairs: &[Pair] = &[
        ("BCP028", "var a = 1\nvar a = 2\n", "var a = 1\nvar b = 2\n"),
        ("BCP057", "output x int = missing\n", "var given = 1\noutput x int = given\n"),
        ("BCP082", "var number = 1\noutput x int = numbr\n", "var number = 1\noutput x int = number\n"),
        ("BCP057", "output x int = frobnicate(1)\n", "output x int = length('a')\n"),
        ("BCP082", "output x string = tolower('A')\n", "output x string = toLower('A')\n"),
        ("BCP059", "var f = 1\noutput x int = f(1)\n", "func f(a int) int => a\noutput x int = f(1)\n"),
        ("BCP265", "var length = 1\noutput x int = length('a')\n", "output x int = length('a')\n"),
        ("BCP072", "var v = 'a'\nparam p string = v\n", "param v string\nparam p string = v\n"),
        ("BCP079", "var a = a\n", "var a = 1\n"),
        ("BCP080", "var a = b\nvar b = a\n", "var a = b\nvar b = 1\n"),
        ("BCP145", "output a int = 1\noutput a int = 2\n", "output a int = 1\noutput b int = 2\n"),
        ("BCP287", "var v = 1\nparam p v\n", "type v = int\nparam p v\n"),
        ("BCP288", "type t = int\noutput x int = t\n", "var t = 1\noutput x int = t\n"),
        ("BCP302", "param p strng\n", "param p string\n"),
        ("BCP166", "@secure()\n@secure()\nparam p string\n", "@secure()\nparam p string\n"),
        ("BCP057", "@secret()\nparam p string\n", "@secure()\nparam p string\n"),
    ];
    compare(pairs, &Options::default());
}

#[test]
fn expressions() {
    let pairs: &[Pair] = &[
        ("BCP025", "var a = { x: 1, x: 2 }\n", "var a = { x: 1, y: 2 }\n"),
        (
            "BCP032",
            "param p string\nvar a = loadTextContent(p)\n",
            "var p = 'a.txt'\nvar a = loadTextContent(p)\n--- a.txt\nx",
        ),
        ("BCP033", "output x int = 'a'\n", "output x int = 1\n"),
        ("BCP033", "param p 'a' | 'b' = 'c'\n", "param p 'a' | 'b' = 'a'\n"),
        ("BCP034", "output x int[] = [1, 'a']\n", "output x int[] = [1, 2]\n"),
        ("BCP044", "output x bool = !1\n", "output x bool = !true\n"),
        ("BCP045", "output x int = 1 + 'a'\n", "output x int = 1 + 2\n"),
        ("BCP045", "param p int\noutput x bool = p && true\n", "param p bool\noutput x bool = p && true\n"),
        ("BCP046", "output x int = 'a' ? 1 : 2\n", "param p bool\noutput x int = p ? 1 : 2\n"),
        ("BCP053", "var a = { x: 1 }\noutput b int = a.other\n", "var a = { x: 1 }\noutput b int = a.x\n"),
        (
            "BCP083",
            "var a = { number: 1 }\noutput b int = a.numbr\n",
            "var a = { number: 1 }\noutput b int = a.number\n",
        ),
        ("BCP055", "param p string\noutput b int = p.x\n", "param p { x: int }\noutput b int = p.x\n"),
        ("BCP070", "output x string = toLower(1)\n", "output x string = toLower('A')\n"),
        ("BCP071", "output x string = toLower('a', 'b')\n", "output x string = toLower('a')\n"),
        ("BCP074", "output x int = [1]['a']\n", "output x int = [1][0]\n"),
        ("BCP076", "param p string\noutput x string = p[0]\n", "param p string[]\noutput x string = p[0]\n"),
        ("BCP137", "output x int[] = [for i in 'a': 1]\n", "output x int[] = [for i in [1]: i]\n"),
        (
            "BCP235",
            "var a = loadJsonContent('a.json', '$.b')\n--- a.json\n{}",
            "var a = loadJsonContent('a.json', '$.b')\n--- a.json\n{\"b\": 1}",
        ),
        (
            "BCP053",
            "output x int = loadJsonContent('a.json').c\n--- a.json\n{\"b\": 1}",
            "output x int = loadJsonContent('a.json').b\n--- a.json\n{\"b\": 1}",
        ),
        ("BCP070", "output x int[] = map([1], (a, b, c) => a)\n", "output x int[] = map([1], a => a)\n"),
        ("BCP311", "output x int = [1][2]\n", "output x int = [1][0]\n"),
        ("BCP402", "var a = { ...'b' }\n", "var a = { ...{ b: 1 } }\n"),
        ("BCP410", "output x int = 1 / 0\n", "output x int = 1 / 2\n"),
    ];
    compare(pairs, &Options::default());
}

#[test]
fn loops() {
    let pairs: &[Pair] = &[
        ("BCP138", "var a = { b: [for i in [1]: i] }\n", "var b = [for i in [1]: i]\nvar a = { b: b }\n"),
        ("BCP138", "var a = [for i in [1]: [for j in [2]: j]]\n", "var a = [for i in [1]: map([2], j => j)]\n"),
        ("BCP138", "param a int[] = [for i in [1]: i]\n", "param a int[] = map([1], i => i)\n"),
        (
            "BCP142",
            "resource a 'M.X/y@2026-04-01' = { name: 'a', properties: { b: [for i in [1]: { c: [for j in [2]: j] }] } }\n",
            "resource a 'M.X/y@2026-04-01' = [for i in [1]: { name: 'a${i}', properties: { c: [for j in [2]: j] } }]\n",
        ),
        (
            "BCP247",
            "module m 'm.bicep' = [for i in [1]: {}]\noutput a int[] = map([0], i => m[i].outputs.b)\n--- m.bicep\noutput b int = 1\n",
            "module m 'm.bicep' = [for i in [1]: {}]\noutput a int[] = [for i in [0]: m[i].outputs.b]\n--- m.bicep\noutput b int = 1\n",
        ),
        (
            "BCP144",
            "resource a 'M.X/y@2026-04-01' = [for i in [1]: { name: 'a${i}' }]\nresource b 'M.X/y@2026-04-01' = { name: 'b', tags: { c: a } }\n",
            "resource a 'M.X/y@2026-04-01' = [for i in [1]: { name: 'a${i}' }]\nresource b 'M.X/y@2026-04-01' = { name: 'b', dependsOn: a }\n",
        ),
        ("BCP065", "var a = utcNow()\n", "param a string = utcNow()\n"),
        ("BCP070", "output a int[] = filter([1], i => i)\n", "output a int[] = filter([1], i => i > 0)\n"),
    ];
    compare(pairs, &Options::default());
}

#[test]
fn nulls_and_bounds() {
    let pairs: &[Pair] = &[
        ("BCP318", "param p { x: int }?\noutput a int = p.x\n", "param p { x: int }?\noutput a int? = p.?x\n"),
        (
            "BCP318",
            "param p string[]\noutput a int = first(map(p, x => { y: 1 })).y\n",
            "param p string[]\noutput a int = first(map(p, x => { y: 1 }))!.y\n",
        ),
        ("BCP321", "param p string?\noutput a string = p\n", "param p string?\noutput a string = p ?? ''\n"),
        (
            "BCP321",
            "param p string?\noutput a string = p == null ? 'x' : p\n",
            "param p string?\noutput a string = p == null ? 'x' : p!\n",
        ),
        (
            "BCP321",
            "param p string?\nparam q string?\noutput a string = p ?? q\n",
            "param p string?\nparam q string?\noutput a string = p ?? q ?? ''\n",
        ),
        ("BCP326", "param p string? = 'a'\n", "param p string = 'a'\n"),
        ("BCP328", "@minValue(3)\nparam p int = 2\n", "@minValue(3)\nparam p int = 3\n"),
        ("BCP327", "@maxValue(3)\nparam p int = 4\n", "@maxValue(3)\nparam p int = 3\n"),
        ("BCP332", "@maxLength(2)\nparam p string = 'abc'\n", "@maxLength(2)\nparam p string = 'ab'\n"),
        ("BCP333", "@minLength(3)\nparam p string = 'ab'\n", "@minLength(3)\nparam p string = 'abc'\n"),
        (
            "BCP037",
            "type t = { a: int }\nvar v t = { a: 1, b: 2 }\n",
            "type t = { a: int, b: int }\nvar v t = { a: 1, b: 2 }\n",
        ),
        (
            "BCP035",
            "type t = { a: int, b: int }\nvar v t = { a: 1 }\n",
            "type t = { a: int, b: int? }\nvar v t = { a: 1 }\n",
        ),
        (
            "BCP078",
            "@discriminator('k')\ntype t = { k: 'a' } | { k: 'b' }\nparam p t = {}\n",
            "@discriminator('k')\ntype t = { k: 'a' } | { k: 'b' }\nparam p t = { k: 'a' }\n",
        ),
        (
            "BCP036",
            "@discriminator('k')\ntype t = { k: 'first' } | { k: 'second' }\nparam p t = { k: 'zzz' }\n",
            "@discriminator('k')\ntype t = { k: 'first' } | { k: 'second' }\nparam p t = { k: 'first' }\n",
        ),
        (
            "BCP187",
            "type t = { a: int }\nparam p t\noutput b int = p.b\n",
            "type t = { a: int }\nparam p t\noutput b int = p.a\n",
        ),
    ];
    compare(pairs, &Options::default());
}

/// A type may contain itself.
#[test]
fn recursive_types_end() {
    let text =
        "type tree = { value: int, children: tree[]? }\nparam p tree = { value: 1, children: [{ value: 'a' }] }\n";
    assert!(super::codes(text, &Options::default()).contains("BCP036"));
}

#[test]
fn limits() {
    let pairs: &[Pair] = &[
        ("BCP293", "param a 'b' | string\n", "param a 'b' | 'c'\n"),
        ("BCP293", "type a = int | 1\n", "type a = (1 | 'b')[]\n"),
        ("BCP294", "param a 'b' | 1\n", "param a 1 | 2 | null\n"),
        ("BCP032", "var v = 'x'\n@description('An ${v}')\nparam a string\n", "@description('An x')\nparam a string\n"),
        ("BCP070", "output a object = toObject([1], i => i)\n", "output a object = toObject([1], i => string(i))\n"),
        ("BCP070", "output a int[] = map([1], () => 1)\n", "output a int[] = map([1], (x, i) => i)\n"),
        ("BCP353", "param a string\nparam A string\n", "param a string\nparam b string\n"),
        ("BCP372", "param a string\n@export()\nvar b = a\n", "var a = 'c'\n@export()\nvar b = a\n"),
        ("BCP124", "@minLength(1)\nparam a int\n", "@minLength(1)\nparam a string\n"),
        ("BCP124", "type t = {\n  @minValue(1)\n  a: string\n}\n", "type t = {\n  @minValue(1)\n  a: int\n}\n"),
        ("BCP126", "@secure()\nvar a = 1\n", "@export()\nvar a = 1\n"),
        ("BCP129", "@batchSize(1)\noutput a int = 1\n", "@secure()\noutput a string = ''\n"),
        ("BCP439", "@secure()\nparam a int\n", "@secure()\nparam a string\n"),
        ("BCP071", "targetScope = 'subscription'\nvar a = resourceGroup().id\n", "var a = resourceGroup().id\n"),
        ("BCP242", "var a = x => x\n", "var a = map([1], x => x)\n"),
        (
            "BCP401",
            "module m 'm.bicep' = { params: { ...{ a: 1 } } }\n--- m.bicep\nparam a int\n",
            "module m 'm.bicep' = { params: { a: { ...{ b: 1 } } } }\n--- m.bicep\nparam a { b: int }\n",
        ),
        (
            "BCP417",
            "resource a 'M.X/y@2026-04-01' = { name: 'a', properties: { ...{}, b: [for i in [1]: i] } }\n",
            "resource a 'M.X/y@2026-04-01' = { name: 'a', properties: { ...{}, b: map([1], i => i) } }\n",
        ),
        (
            "BCP183",
            "var p = { a: 1 }\nmodule m 'm.bicep' = { params: p }\n--- m.bicep\nparam a int\n",
            "module m 'm.bicep' = { params: { a: 1 } }\n--- m.bicep\nparam a int\n",
        ),
        (
            "optional-key",
            "var a = map(loadJsonContent('a.json'), x => x.b)\n--- a.json\n[{\"b\": 1}, {\"c\": 1}]",
            "var a = map(loadJsonContent('a.json'), x => x.?b)\n--- a.json\n[{\"b\": 1}, {\"c\": 1}]",
        ),
    ];
    compare(pairs, &Options::default());
}
