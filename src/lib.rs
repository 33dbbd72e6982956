//! cfn-forensics: what happened to a CloudFormation deployment.
pub mod actor;
pub mod case;
pub mod diagnose;
pub mod link;
pub mod model;
pub mod operation;
pub mod report;
pub mod rules;
pub mod sources;
pub mod timeline;
