//! Functions that read other files.

use std::{fs, rc::Rc};

use super::{
    super::{Run, instance::Instance, source::beside},
    Made, Value,
};

impl Run<'_> {
    pub(super) fn of_files(&self, at: &Rc<Instance>, name: &str, arguments: &[Value]) -> Made {
        let read = |path: &str| {
            let path = beside(&at.source.path, path);
            fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
        };
        Ok(match (name, arguments) {
            ("loadTextContent", [Value::Text(path)]) => Some(Value::Text(read(path)?)),
            ("loadJsonContent", [Value::Text(path), rest @ ..]) => {
                let json: serde_json::Value =
                    contoso_json::from_str(&read(path)?).map_err(|error| error.to_string())?;
                let json = match rest {
                    [] => &json,
                    [Value::Text(select)] => selected(&json, select)?,
                    _ => return Ok(None),
                };
                Some(Value::from_json(json))
            }
            _ => None,
        })
    }
}

/// What a JSONPath of names and numbers (`$.a.b[0]`) leads to.
fn selected<'a>(json: &'a serde_json::Value, path: &str) -> Result<&'a serde_json::Value, String> {
    let steps = path.strip_prefix('$').ok_or_else(|| format!("the path {path} does not begin with $"))?;
    let mut found = json;
    for step in steps.split(['.', '[']).filter(|step| !step.is_empty()) {
        let next = match step.strip_suffix(']') {
            Some(number) => number.parse::<usize>().ok().and_then(|number| found.get(number)),
            None => found.get(step),
        };
        found = next.ok_or_else(|| format!("nothing is at {step} of the path {path}"))?;
    }
    Ok(found)
}
