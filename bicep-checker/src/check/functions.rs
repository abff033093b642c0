//! The functions of the language: how many arguments each takes, of which types, and what it gives.

/// A function.
#[derive(Debug)]
pub(crate) struct Function {
    pub name: &'static str,
    pub space: &'static str,
    /// A letter for each argument: `s`tring, `i`nteger, `a`rray, `o`bject, `l`ambda, `*` anything. The last one stands for all
    /// that follow.
    pub takes: &'static str,
    pub least: usize,
    /// `None` for any number.
    pub most: Option<usize>,
    pub gives: Gives,
    pub place: Place,
}

/// What a function gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gives {
    Any,
    Text,
    /// A text of this many characters.
    Exactly(u64),
    Int,
    Bool,
    Object,
    List,
    Texts,
    /// Worked out from the arguments, in `infer::calls`.
    Own,
}

/// Where a function may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Anywhere,
    /// In the default of a parameter.
    Defaults,
    /// In a `.bicepparam` file.
    Params,
    /// Anywhere in a `.bicep` file; it is asked at run time, so that its value is never known before.
    RunTime,
}

use Gives::{Any, Bool, Exactly, Int, List, Object, Own, Text, Texts};
use Place::{Anywhere, Defaults, Params, RunTime};

const fn of(
    name: &'static str,
    space: &'static str,
    takes: &'static str,
    least: usize,
    most: Option<usize>,
    gives: Gives,
    place: Place,
) -> Function {
    Function { name, space, takes, least, most, gives, place }
}

const fn sys(name: &'static str, takes: &'static str, least: usize, most: usize, gives: Gives) -> Function {
    of(name, "sys", takes, least, Some(most), gives, Anywhere)
}

const fn many(name: &'static str, takes: &'static str, least: usize, gives: Gives) -> Function {
    of(name, "sys", takes, least, None, gives, Anywhere)
}

const fn az(name: &'static str, takes: &'static str, least: usize, most: Option<usize>, gives: Gives) -> Function {
    of(name, "az", takes, least, most, gives, Anywhere)
}

/// All of them but `list…`, which [`find`] knows by its beginning.
const ALL: [Function; 98] = [
    sys("any", "*", 1, 1, Any),
    sys("array", "*", 1, 1, List),
    sys("base64", "s", 1, 1, Text),
    sys("base64ToJson", "s", 1, 1, Any),
    sys("base64ToString", "s", 1, 1, Text),
    sys("bool", "*", 1, 1, Bool),
    sys("buildUri", "o", 1, 1, Text),
    sys("cidrHost", "si", 2, 2, Text),
    sys("cidrSubnet", "sii", 3, 3, Text),
    many("concat", "*", 1, Own),
    sys("contains", "*", 2, 2, Bool),
    sys("dataUri", "*", 1, 1, Text),
    sys("dataUriToString", "s", 1, 1, Text),
    sys("dateTimeAdd", "s", 2, 3, Text),
    sys("dateTimeFromEpoch", "i", 1, 1, Text),
    sys("dateTimeToEpoch", "s", 1, 1, Int),
    sys("distinct", "a", 1, 1, Own),
    sys("empty", "*", 1, 1, Bool),
    sys("endsWith", "s", 2, 2, Bool),
    of("externalInput", "sys", "s*", 1, Some(2), Any, Params),
    sys("fail", "s", 1, 1, Own),
    sys("filter", "al", 2, 2, Own),
    sys("first", "*", 1, 1, Own),
    sys("flatten", "a", 1, 1, Own),
    many("format", "s*", 1, Text),
    sys("groupBy", "al", 2, 3, Object),
    many("guid", "s", 1, Exactly(36)),
    sys("indexOf", "*", 2, 2, Int),
    sys("int", "*", 1, 1, Int),
    many("intersection", "*", 2, Own),
    sys("items", "o", 1, 1, Own),
    sys("join", "as", 2, 2, Text),
    sys("json", "s", 1, 1, Any),
    sys("last", "*", 1, 1, Own),
    sys("lastIndexOf", "*", 2, 2, Int),
    sys("length", "*", 1, 1, Int),
    sys("like", "s", 2, 2, Bool),
    sys("loadDirectoryFileInfo", "s", 1, 2, Any),
    sys("loadFileAsBase64", "s", 1, 1, Own),
    sys("loadJsonContent", "s", 1, 3, Own),
    sys("loadTextContent", "s", 1, 2, Own),
    sys("loadYamlContent", "s", 1, 3, Own),
    sys("map", "al", 2, 2, Own),
    sys("mapValues", "ol", 2, 2, Own),
    many("max", "*", 1, Int),
    many("min", "*", 1, Int),
    sys("nameof", "*", 1, 1, Text),
    of("newGuid", "sys", "", 0, Some(0), Exactly(36), Defaults),
    sys("objectKeys", "o", 1, 1, Texts),
    sys("padLeft", "*is", 2, 3, Text),
    sys("parseCidr", "s", 1, 1, Own),
    sys("parseUri", "s", 1, 1, Own),
    sys("range", "i", 2, 2, Own),
    of("readCliArg", "sys", "s", 1, Some(1), Text, Params),
    of("readEnvVar", "sys", "s", 1, Some(1), Text, Params),
    of("readEnvironmentVariable", "sys", "s", 1, Some(2), Text, Params),
    sys("reduce", "a*l", 3, 3, Own),
    sys("replace", "s", 3, 3, Text),
    sys("shallowMerge", "a", 1, 1, Object),
    sys("skip", "*i", 2, 2, Own),
    sys("sort", "al", 2, 2, Own),
    sys("split", "s*", 2, 2, Own),
    sys("startsWith", "s", 2, 2, Bool),
    sys("string", "*", 1, 1, Text),
    sys("substring", "sii", 2, 3, Text),
    sys("take", "*i", 2, 2, Own),
    sys("toLower", "s", 1, 1, Own),
    sys("toObject", "al", 2, 3, Own),
    sys("toUpper", "s", 1, 1, Own),
    sys("trim", "s", 1, 1, Text),
    many("union", "*", 2, Own),
    many("uniqueString", "s", 1, Exactly(13)),
    sys("uri", "s", 2, 2, Text),
    sys("uriComponent", "s", 1, 1, Text),
    sys("uriComponentToString", "s", 1, 1, Text),
    of("utcNow", "sys", "s", 0, Some(1), Text, Defaults),
    az("deployer", "", 0, Some(0), Own),
    az("deployment", "", 0, Some(0), Own),
    az("environment", "", 0, Some(0), Own),
    az("extensionResourceId", "s", 3, None, Text),
    of("getSecret", "az", "s", 4, Some(5), Own, Params),
    az("managementGroup", "s", 0, Some(1), Own),
    az("managementGroupResourceId", "s", 2, None, Text),
    az("pickZones", "sssi", 3, Some(5), List),
    az("providers", "s", 1, Some(2), Any),
    of("reference", "az", "s", 1, Some(3), Any, RunTime),
    az("resourceGroup", "s", 0, Some(2), Own),
    az("resourceId", "s", 2, None, Text),
    az("roleDefinitions", "s", 1, Some(1), Own),
    az("subscription", "s", 0, Some(1), Own),
    az("subscriptionResourceId", "s", 2, None, Text),
    az("tenant", "", 0, Some(0), Own),
    az("tenantResourceId", "s", 2, None, Text),
    of("toLogicalZone", "az", "s", 3, Some(3), Text, RunTime),
    of("toLogicalZones", "az", "ssa", 3, Some(3), List, RunTime),
    of("toPhysicalZone", "az", "s", 3, Some(3), Text, RunTime),
    of("toPhysicalZones", "az", "ssa", 3, Some(3), List, RunTime),
    LIST,
];

/// `listKeys`, `listAccountSas`, …: any function of a service.
const LIST: Function = of("list*", "az", "ss*", 2, Some(3), Any, RunTime);

/// The function of that name.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    let exact = ALL.iter().find(|function| function.name == name);
    exact.or_else(|| {
        let is_list = name.strip_prefix("list").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_alphabetic()));
        ALL.iter().find(|function| is_list && function.name == LIST.name)
    })
}

/// All names, for suggestions.
pub(crate) fn names<'a>() -> impl Iterator<Item = &'a str> {
    ALL.iter().map(|function| function.name).filter(|name| !name.ends_with('*'))
}

impl Function {
    /// The letter of the argument at this place.
    pub(crate) fn argument(&self, at: usize) -> char {
        self.takes.chars().nth(at).or_else(|| self.takes.chars().last()).unwrap_or('*')
    }
}
