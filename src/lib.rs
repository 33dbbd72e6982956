//! cfn-forensics: what happened to a CloudFormation deployment.
pub mod model;
pub mod sources;
