//! cfn-forensics: what happened to a CloudFormation deployment.
pub mod actor;
pub mod case;
pub mod link;
pub mod model;
pub mod operation;
pub mod sources;
pub mod timeline;
