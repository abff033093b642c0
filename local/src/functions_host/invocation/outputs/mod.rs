//! The `http` output of a function whose request was not forwarded.
//!
//! Source: `HttpScriptInvocationResultExtensions` (a named output), `WorkerFunctionInvoker` (which value goes where), `HttpBinding`
//! (what a response is), `RawScriptResult` and ASP.NET's formatters (how it is written).

mod http_result;
mod response;

#[cfg(test)]
mod tests;

use serde_json::value::RawValue;

pub(crate) use self::http_result::HttpResult;
use self::response::{Members, member, named_response, returned, value_result};
use super::judge::InvocationAnswer;

/// Builds the response out of `binding`, the name of the `http` output, or of the value returned where there is none. Without
/// its output it is an empty object; without a value returned it is nothing, 204.
///
/// # Errors
/// A sentence, where the value cannot be used; the caller gets 500.
pub(crate) fn http_result(answer: &InvocationAnswer, binding: Option<&str>) -> Result<HttpResult, String> {
    let value = answer.return_value.as_deref();
    match binding {
        Some("$return") => value.map_or_else(|| Ok(HttpResult::nothing()), |value| returned(value, true)),
        None => value.map_or_else(|| Ok(HttpResult::nothing()), value_result),
        // Members of a returned object count as outputs, before the outputs themselves.
        Some(name) => match (merged(answer, name), answer.outputs.get(name)) {
            (Some(member), _) if member.get() == "null" => {
                value.map_or_else(|| Ok(HttpResult::nothing()), value_result)
            }
            (Some(member), _) => returned(&member, false),
            (None, Some(output)) => named_response(output)
                .map_err(|problem| format!("output '{name}' is not in the expected format: {problem}")),
            (None, None) => Ok(HttpResult::text(200, "{}".to_owned())),
        },
    }
}

fn merged(answer: &InvocationAnswer, name: &str) -> Option<Box<RawValue>> {
    let returned = answer.return_value.as_ref().filter(|value| value.get().starts_with('{'))?;
    let members: Members = contoso_json::from_str(returned.get()).ok()?;
    member(&members, |known| known == name).map(ToOwned::to_owned)
}
