//! ListStackResources and DescribeStackResources: which resource has which physical id.
//! Its states are those of the stack events, so that it gives no events of its own.
//! Source: `StackResourceSummary` and `StackResource` in the CloudFormation API reference.

use super::wire::Str;
use super::{KnownResource, Sink};
use crate::model::RecordFile;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Resource<'a> {
    #[serde(borrow, default)]
    stack_id: Str<'a>,
    #[serde(borrow, default)]
    stack_name: Str<'a>,
    #[serde(borrow, default)]
    logical_resource_id: Str<'a>,
    #[serde(borrow, default)]
    physical_resource_id: Str<'a>,
    #[serde(borrow, default)]
    resource_type: Str<'a>,
}

pub(super) fn read(file: &RecordFile, sink: &mut Sink<'_>) {
    for (record, json) in file.iter() {
        let Some(resource) = sink.parse::<Resource<'_>>(&record, json) else {
            continue;
        };
        let (Some(logical), Some(physical)) = (resource.logical_resource_id.get(), resource.physical_resource_id.get())
        else {
            continue;
        };
        let known = KnownResource {
            stack_id: sink.some(resource.stack_id.get()),
            stack_name: sink.some(resource.stack_name.get()),
            logical_id: sink.text(logical),
            physical_id: sink.text(physical),
            resource_type: sink.text(&resource.resource_type),
            since: None,
            until: None,
        };
        sink.resources.push(known);
    }
}
