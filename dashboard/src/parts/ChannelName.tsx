/** A channel's name, beside its colour if it has one. */

import { memo } from "react";

import { Swatch } from "./Swatch";

export const ChannelName = memo(function ChannelName({ slot, label }: { slot: number | undefined; label: string }) {
  return <>{slot !== undefined && <Swatch slot={slot} />}<span>{label}</span></>;
});
