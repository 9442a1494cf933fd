//! `qingyuan sandbox`.

use crate::cli::SandboxArguments;
use crate::failure::Failure;
use crate::output::say;
use sandbox::{Sandbox, SandboxConfig};

/// Runs the simulated channels until interrupted.
pub fn run(arguments: &SandboxArguments) -> Result<bool, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::other)?;
    runtime.block_on(async {
        let config = SandboxConfig {
            seed: arguments.seed,
            wechat_port: arguments.wechat_port,
            unionpay_port: arguments.unionpay_port,
            key_directory: arguments.keys.clone(),
            demo_merchants: true,
            ..SandboxConfig::default()
        };
        let running = Sandbox::start(config).await?;
        let parameters = running.parameters();
        let text = if arguments.json {
            serde_json::to_string(&parameters)
        } else {
            serde_json::to_string_pretty(&parameters)
        };
        say!("{}", text.map_err(Failure::other)?);
        crate::output::note(format_args!(
            "The sandbox is running; control it at {}/sandbox/… ; Ctrl-C ends it.",
            parameters.control_url
        ));
        tokio::signal::ctrl_c().await.map_err(Failure::other)?;
        running.stop().await;
        Ok(true)
    })
}
