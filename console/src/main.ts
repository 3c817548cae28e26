/** Puts the page together, from the address it was served at. */
import { Addresses } from "./addresses";
import { Memory } from "./storage";
import "./styles/page.css";
import "./styles/desk.css";
import "./styles/thread.css";
import { Page } from "./views/page";

const addresses = new Addresses(document.baseURI);
const solo = new URLSearchParams(location.search).has("solo");
const page = new Page(addresses, new Memory(addresses.contextPath), solo);
document.body.append(page.element);
page.start();
