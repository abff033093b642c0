// The time range that the charts show. It is part of the address, so that a view can be shared.

const NAME = "minutes";

/** Binds a `select` of minutes to the address, and calls `onChange` when another is chosen. Gives a function that tells how many are. */
export function rangeOf(select, onChange) {
  const initial = select.value;
  const read = () => {
    const wanted = new URLSearchParams(location.search).get(NAME);
    select.value = [...select.options].some(({ value }) => value === wanted) ? wanted : initial;
  };
  read();
  select.addEventListener("change", () => {
    const address = new URL(location.href);
    if (select.value === initial) address.searchParams.delete(NAME);
    else address.searchParams.set(NAME, select.value);
    history.replaceState(null, "", address);
    onChange();
  });
  addEventListener("popstate", () => {
    read();
    onChange();
  });
  return () => Number(select.value);
}
