//! A place in a template: the file of the case that holds it, with line and column.
//! It says where to look and nothing of what is there.
//! Found by the sources, told with the failures of a report.

use serde::{Deserialize, Serialize};

/// Where a resource, or one of its properties, stands in its template.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TemplatePlace {
    /// The file in the case: `templates/Shop.yaml`.
    pub file: String,
    /// From 1, within the template: GetTemplate's answer around it is not counted.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}
