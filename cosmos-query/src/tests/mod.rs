//! What queries answer, against tables of ours and against what the service's own planner said (the real data set, where it is here).

mod bounds;
mod computed;
mod conformance;
mod hostile;
mod paging;
mod semantics;
mod support;
