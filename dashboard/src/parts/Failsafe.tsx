/** One failing panel fails alone: what went wrong stands in its place, and the others stay. */

import { Component, type ReactNode } from "react";

import { Mark } from "./Mark";

export function Failure({ message, retry }: { message: string; retry?: () => void }) {
  return (
    <div className="over" role="group" aria-label="This panel cannot be drawn">
      <Mark tone="bad" shape="square">This panel cannot be drawn</Mark>
      <p className="note">{message}. The other panels go on.</p>
      {retry && <button type="button" className="act" onClick={retry}>Try again</button>}
    </div>
  );
}

interface Props {
  readonly children: ReactNode;
}

export class Failsafe extends Component<Props, { readonly message?: string }> {
  override state: { readonly message?: string } = {};

  static getDerivedStateFromError(error: unknown) {
    return { message: error instanceof Error ? error.message : String(error) };
  }

  override render() {
    const { message } = this.state;
    if (message === undefined) return this.props.children;
    return <Failure message={message} retry={() => this.setState({ message: undefined })} />;
  }
}
