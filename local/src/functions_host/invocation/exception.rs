//! Exception of an attempt that failed, as .NET serialises it for `RetryContext`. Handlers must treat it as opaque: members
//! and texts are those of the runtime of the host.

use serde::{Serialize, Serializer, ser::SerializeMap as _};
use uuid::Uuid;

use super::judge::Failure;

/// `COR_E_EXCEPTION`.
const HRESULT: i64 = -2_146_233_088;
/// `COR_E_INVALIDOPERATION`.
const INVALID_OPERATION: i64 = -2_146_233_079;
/// Calls through which the host 4.1037 runs a function: what a trace has of them, newest first.
const EXECUTING: &str = "   at \
    Microsoft.Azure.WebJobs.Host.Executors.FunctionExecutor.ExecuteWithLoggingAsync(IFunctionInstanceEx instance, \
    FunctionStartedMessage message, FunctionInstanceLogEntry instanceLogEntry, ParameterHelper parameterHelper, \
    ILogger logger, CancellationToken cancellationToken) in \
    /_/src/Microsoft.Azure.WebJobs.Host/Executors/FunctionExecutor.cs";
const TRYING: &str = "   at \
    Microsoft.Azure.WebJobs.Host.Executors.FunctionExecutor.TryExecuteAsync(IFunctionInstance functionInstance, \
    CancellationToken cancellationToken) in \
    /_/src/Microsoft.Azure.WebJobs.Host/Executors/FunctionExecutor.cs:line 113";
const ASKING: [&str; 7] = [
    "   at \
     Microsoft.Azure.WebJobs.Script.Workers.Http.DefaultHttpWorkerService.ProcessDefaultInvocationRequest(ScriptInvocationContext \
     scriptInvocationContext)",
    "   at Microsoft.Azure.WebJobs.Script.Description.WorkerFunctionInvoker.InvokeCore(Object[] parameters, \
     FunctionInvocationContext context)",
    "   at Microsoft.Azure.WebJobs.Script.Description.FunctionInvokerBase.Invoke(Object[] parameters)",
    "   at Microsoft.Azure.WebJobs.Host.Executors.VoidTaskMethodInvoker`2.InvokeAsync(TReflected instance, \
     Object[] arguments) in /_/src/Microsoft.Azure.WebJobs.Host/Executors/VoidTaskMethodInvoker.cs:line 20",
    "   at Microsoft.Azure.WebJobs.Host.Executors.FunctionInvoker`2.InvokeAsync(Object instance, Object[] \
     arguments) in /_/src/Microsoft.Azure.WebJobs.Host/Executors/FunctionInvoker.cs:line 53",
    "   at Microsoft.Azure.WebJobs.Host.Executors.FunctionExecutor.InvokeWithTimeoutAsync(IFunctionInvoker \
     invoker, ParameterHelper parameterHelper, CancellationTokenSource timeoutTokenSource, \
     CancellationTokenSource functionCancellationTokenSource, Boolean throwOnTimeout, TimeSpan timerInterval, \
     IFunctionInstance instance) in /_/src/Microsoft.Azure.WebJobs.Host/Executors/FunctionExecutor.cs:line 590",
    "   at Microsoft.Azure.WebJobs.Host.Executors.FunctionExecutor.ExecuteWithWatchersAsync(IFunctionInstanceEx \
     instance, ParameterHelper parameterHelper, ILogger logger, CancellationTokenSource \
     functionCancellationTokenSource) in \
     /_/src/Microsoft.Azure.WebJobs.Host/Executors/FunctionExecutor.cs:line 536",
];
/// Where the host finds the status of an answer wanting, and where it asks for one.
const JUDGING: &str = "   at System.Net.Http.HttpResponseMessage.EnsureSuccessStatusCode()";
const SENDING: &str = "   at System.Net.Http.HttpClient.SendAsync(HttpRequestMessage request)";

/// The trace of what went wrong in a call of the handler.
fn inner_trace(first: &str) -> String {
    let calls = std::iter::once(first).chain(ASKING).map(str::to_owned);
    calls.chain([format!("{EXECUTING}:line 315")]).collect::<Vec<_>>().join("\n")
}

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
    stack_trace_string: String,
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
            stack_trace_string: format!("{EXECUTING}:line 361\n{TRYING}"),
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
                let first = if status.is_some() { JUDGING } else { SENDING };
                map.serialize_entry("StackTrace", &inner_trace(first))?;
            }
            Self::Other { class, message } => {
                map.serialize_entry("ClassName", class)?;
                map.serialize_entry("Message", message)?;
                for none in ["Data", "InnerException", "HelpURL"] {
                    map.serialize_entry(none, &())?;
                }
                map.serialize_entry("StackTraceString", &ASKING.join("\n"))?;
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
