import { LoggedSocket } from "./logged_socket.js";

const GONE = 10_000; // ms allowed for the last closing handshake

const socket = new LoggedSocket((news) => {
  postMessage(news, { transfer: news.batch ? [news.batch.json.buffer, news.batch.ends.buffer] : [] });
});

onmessage = ({ data }) => {
  socket.obey(data);
  if (data.do === "end") setTimeout(close, GONE);
};
