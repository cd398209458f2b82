//! How to talk to the running roles by hand.

use std::path::Path;

use super::timeline::Timeline;
use super::world::{World, group};

/// Prints the commands, ready to paste into a shell.
pub(super) fn explain(world: &World, directory: &Path, timeline: &mut Timeline) {
    let binary = std::env::current_exe().unwrap_or_else(|_| "iotchain".into());
    timeline.print(format_args!(
        "\nThe roles go on until Ctrl-C. They were started with:"
    ));
    for role in [
        &world.ledger,
        &world.key_server,
        &world.proxy,
        &world.resource_server,
    ] {
        timeline.print(format_args!("  {}", role.command_line()));
    }
    timeline.print(format_args!("\nPaste these first into another shell:"));
    timeline.print(format_args!(
        "  I={} D={}",
        binary.display(),
        directory.display()
    ));
    timeline.print(format_args!("  O=\"$I owner --data $D/owner\""));
    timeline.print(format_args!(
        "  C=\"$I client --data $D/dave --catalogue $D/owner/catalogue.json\""
    ));
    timeline.print(format_args!(
        "\nA client of your own, from the grant to the revocation:"
    ));
    timeline.print(format_args!(
        "  $O issue $($C address) --rs meter --class 0007 --roles get,put,post,fetch --ttl 3600"
    ));
    timeline.print(format_args!("  $C get meter/doc"));
    timeline.print(format_args!("  $C get --from proxy meter/memory"));
    timeline.print(format_args!(
        "  $C put meter/light on && $C fetch meter/light"
    ));
    timeline.print(format_args!("  $C post meter/door open"));
    timeline.print(format_args!(
        "  $C shell          (try: join {}, get meter/load server, status, quit)",
        group()
    ));
    timeline.print(format_args!("  $O block $($C address) --rs meter"));
    timeline.print(format_args!(
        "\nWhat an outsider sees (libcoap; outside Debian its program is called coap-client):"
    ));
    let proxy = world.proxy_address;
    timeline.print(format_args!(
        "  coap-client-notls -m get coap://{proxy}/.well-known/core"
    ));
    timeline.print(format_args!(
        "  coap-client-notls -m get coap://{proxy}/meter/doc | xxd"
    ));
    if let Ok(address) = world.resource_server.address("coap") {
        timeline.print(format_args!(
            "  coap-client-notls -m get -T 12345678 coap://{address}/load | xxd"
        ));
    }
    if let Ok(address) = world.key_server.address("coap") {
        timeline.print(format_args!(
            "  coap-client-notls -m get coap://{address}/.well-known/core"
        ));
    }
    if let Ok(rpc) = world.ledger.address("rpc") {
        timeline.print(format_args!(
            "  curl -s -H 'content-type: application/json' -d \
             '{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_blockNumber\"}}' {rpc}"
        ));
    }
    timeline.print(format_args!("\nLogs: {}/*.log", directory.display()));
}
