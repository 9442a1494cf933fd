//! The channels' side on its own: prints the connection parameters as one line of JSON, then
//! serves until its standard input is closed.
//!
//! Bills can be had at once, refunds end after half a second: made for conformance tests.

use sandbox::{Sandbox, SandboxConfig, WechatSettings};
use std::error::Error;
use std::io::Write as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let running = Sandbox::start(SandboxConfig {
        demo_merchants: true,
        wechat: WechatSettings {
            refund_millis: 500,
            bill_ready_hour: None,
        },
        ..SandboxConfig::default()
    })
    .await?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", serde_json::to_string(&running.parameters())?)?;
    out.flush()?;
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()))
        .await??;
    running.stop().await;
    Ok(())
}
