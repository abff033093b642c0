//! Exception of an attempt that failed, as .NET serialises it for `RetryContext`. Handlers must treat it as opaque: members
//! and texts are those of the host's runtime.

use serde::{Serialize, Serializer, ser::SerializeMap as _};
use uuid::Uuid;

use super::judge::Failure;

/// `COR_E_EXCEPTION`.
const HRESULT: i64 = -2_146_233_088;
/// `COR_E_INVALIDOPERATION`.
const INVALID_OPERATION: i64 = -2_146_233_079;
/// Where the host notices that a function failed: the last call of a longer trace.
const EXECUTOR: &str = "   at Microsoft.Azure.WebJobs.Host.Executors.FunctionExecutor.ExecuteWithLoggingAsync";
/// Where it judges an answer.
const JUDGE: &str = "   at System.Net.Http.HttpResponseMessage.EnsureSuccessStatusCode()";
/// Where it asks the handler.
const SENDER: &str = "   at System.Net.Http.HttpClient.SendAsync";

/// `FunctionInvocationException`, with what the handler did as its inner one.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Exception {
    instance_id: Uuid,
    method_name: String,
    handled: bool,
    class_name: &'static str,
    message: String,
    data: (),
    inner_exception: Inner,
    #[serde(rename = "HelpURL")]
    help_url: (),
    stack_trace_string: &'static str,
    remote_stack_trace_string: (),
    remote_stack_index: i32,
    exception_method: (),
    #[serde(rename = "HResult")]
    hresult: i64,
    source: &'static str,
    watson_buckets: (),
}

#[derive(Clone, Debug)]
enum Inner {
    /// `HttpRequestException`, which is serialised by its properties.
    Request { error: u8, status: Option<u16>, message: String },
    /// Any other, which serialises itself.
    Other { class: &'static str, message: String },
}

/// `HttpRequestError.Unknown` and `HttpRequestError.ConnectionError`.
const UNKNOWN: u8 = 0;
const CONNECTION: u8 = 2;

impl Exception {
    /// Of an attempt of `function` that failed.
    pub(crate) fn of(function: &str, invocation: Uuid, failure: &Failure) -> Self {
        let message = failure.to_string();
        let inner = match failure {
            Failure::Status { status, .. } => Inner::Request { error: UNKNOWN, status: Some(*status), message },
            Failure::Unreachable(_) => Inner::Request { error: CONNECTION, status: None, message },
            Failure::TimedOut(_) => {
                Inner::Other { class: "Microsoft.Azure.WebJobs.Host.FunctionTimeoutException", message }
            }
            _ => Inner::Other { class: "System.InvalidOperationException", message },
        };
        Self {
            instance_id: invocation,
            method_name: format!("Host.Functions.{function}"),
            handled: false,
            class_name: "Microsoft.Azure.WebJobs.Host.FunctionInvocationException",
            message: format!("Exception while executing function: Functions.{function}"),
            data: (),
            inner_exception: inner,
            help_url: (),
            stack_trace_string: EXECUTOR,
            remote_stack_trace_string: (),
            remote_stack_index: 0,
            exception_method: (),
            hresult: HRESULT,
            source: "System.Private.CoreLib",
            watson_buckets: (),
        }
    }
}

impl Serialize for Inner {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Request { error, status, message } => {
                map.serialize_entry("HttpRequestError", error)?;
                map.serialize_entry("StatusCode", status)?;
                map.serialize_entry("Message", message)?;
                map.serialize_entry("Data", &serde_json::Map::new())?;
                map.serialize_entry("InnerException", &())?;
                map.serialize_entry("HelpLink", &())?;
                map.serialize_entry("Source", "System.Net.Http")?;
                map.serialize_entry("HResult", &HRESULT)?;
                map.serialize_entry("StackTrace", if status.is_some() { JUDGE } else { SENDER })?;
            }
            Self::Other { class, message } => {
                map.serialize_entry("ClassName", class)?;
                map.serialize_entry("Message", message)?;
                for none in ["Data", "InnerException", "HelpURL"] {
                    map.serialize_entry(none, &())?;
                }
                map.serialize_entry("StackTraceString", EXECUTOR)?;
                map.serialize_entry("RemoteStackTraceString", &())?;
                map.serialize_entry("RemoteStackIndex", &0)?;
                map.serialize_entry("ExceptionMethod", &())?;
                map.serialize_entry("HResult", &INVALID_OPERATION)?;
                map.serialize_entry("Source", "Microsoft.Azure.WebJobs.Script")?;
                map.serialize_entry("WatsonBuckets", &())?;
            }
        }
        map.end()
    }
}
