use super::common::output::Folder;
use super::common::run::Failure;
use super::compute::learning::Run;
use super::compute::{Net, Neuron};
pub(crate) fn write(_: &Folder, _: &Run<Neuron>, _: &Run<Net>) -> Result<Vec<String>, Failure> {
    Ok(vec![])
}
